#include "debug/lock_owners.h"

#include <algorithm>
#include <optional>
#include <set>

#include <weft/detail/stack_page.h>

#include "debug/memory_scan.h"
#include "debug/plain_threads.h"
#include "os/own_memory.h"
#include "sched/birth.h"
#include "sched/goroutine.h"
#include "stack/stack.h"
#include "sync/inspect.h"

namespace weft::debug {
namespace {

using detail::stack_page_size;
using sched::goroutine;

constexpr std::uint64_t page_mask = (std::uint64_t{1} << 36) - 1;  // of the sum's pages: rw_mutex.cpp

bool look_at_lock(const wait& w, detail::lock_facts& facts) noexcept {
  if (w.reason == sched::wait_reason::mutex_lock) return detail::inspector::look(*static_cast<const mutex*>(w.object), facts);
  return detail::inspector::look(*static_cast<const rw_mutex*>(w.object), facts);
}

struct owner_of_page {
  party who;
  bool has_ended = false;
};
owner_of_page find_owner(std::uintptr_t page) {
  const stack::found where = stack::find(reinterpret_cast<const void*>(page));
  if (!where.top) return {{true, static_cast<std::uint64_t>(thread_on_stack(page))}, false};
  const goroutine* g = sched::goroutine_at(where.top);
  if (g->mark.load(base::acquire) != goroutine::alive_mark) return {{}, true};
  return {{false, g->id}, false};
}

// LO2: a call that is over has stood on a page below by a little at most.
bool is_in_use(const party& who, std::uintptr_t page, const std::vector<wait>& parks) {
  for (const wait& w : parks)
    if (w.by == who) return page + 2 * stack_page_size > reinterpret_cast<std::uintptr_t>(w.sp);
  return true;
}

// --- several readers -------------------------------------------------------------------------------------------------

struct candidate {
  party who;
  std::vector<std::uint64_t> pages;  // numbers of pages from which it may have locked
};

std::vector<std::byte> stack_in_use(const wait& w) {
  constexpr std::uintptr_t most = 256 * 1024;
  const auto low = reinterpret_cast<std::uintptr_t>(w.sp);
  std::uintptr_t high = 0;
  if (w.who) {
    high = reinterpret_cast<std::uintptr_t>(stack::find(w.sp).top);
  } else if (os::mapping where; os::find_mapping(low, where)) {
    high = where.high;
  }
  std::vector<std::byte> copy(high > low ? std::min(high - low, most) : 0);
  if (copy.empty() || !os::copy_own_memory(w.sp, copy.data(), copy.size())) copy.clear();
  return copy;
}

// The call of lock stood on the page of the guard that is left of it, or on the one below.
candidate look_for(const void* object, const wait& w) {
  std::set<std::uint64_t> pages;
  const std::vector<std::byte> copy = stack_in_use(w);
  std::uintptr_t at = reinterpret_cast<std::uintptr_t>(w.sp);
  for_each_word(copy.data(), copy.data() + copy.size(), [&](std::uintptr_t word) {
    if (word == reinterpret_cast<std::uintptr_t>(object)) pages.insert({at / stack_page_size, at / stack_page_size - 1});
    at += sizeof word;
  });
  return {w.by, {pages.begin(), pages.end()}};
}

class sum_search {
 public:
  sum_search(const std::vector<candidate>& all, std::uint64_t sum, std::uint32_t wanted) : all_(all) { go(0, sum & page_mask, wanted); }
  // Nothing: there is none, or more than one.
  [[nodiscard]] std::optional<std::vector<party>> only_one() const {
    return found_.size() == 1 && steps_ < most_steps ? std::optional(*found_.begin()) : std::nullopt;
  }

 private:
  static constexpr std::size_t most_steps = 1'000'000;

  void go(std::size_t from, std::uint64_t left, std::uint32_t wanted) {
    if (++steps_ >= most_steps || found_.size() > 1) return;
    if (wanted == 0) {
      if (left == 0) found_.insert(chosen_);
      return;
    }
    for (std::size_t i = from; i + wanted <= all_.size(); ++i) {
      chosen_.push_back(all_[i].who);
      for (const std::uint64_t page : all_[i].pages) go(i + 1, (left - page) & page_mask, wanted - 1);
      chosen_.pop_back();
    }
  }

  const std::vector<candidate>& all_;
  std::vector<party> chosen_;
  std::set<std::vector<party>> found_;
  std::size_t steps_ = 0;
};

std::vector<party> find_readers(const wait& w, const detail::lock_facts& facts, const std::vector<wait>& parks) {
  constexpr std::size_t most = 40;
  std::vector<candidate> all;
  for (const wait& other : parks)
    if (candidate c = look_for(w.object, other); !c.pages.empty()) all.push_back(std::move(c));
  if (all.size() < facts.readers || all.size() > most) return {};
  return sum_search(all, facts.locked_from / stack_page_size, facts.readers).only_one().value_or(std::vector<party>());
}

}  // namespace

lock_owners owners_of(const wait& w, const std::vector<wait>& parks) {
  lock_owners all;
  detail::lock_facts facts;
  if (!look_at_lock(w, facts)) return all;
  all.is_there = true;
  all.is_write_locked = facts.is_locked;
  all.readers = facts.readers;
  if (facts.is_locked || facts.readers == 1) {
    const owner_of_page owner = find_owner(facts.locked_from);
    all.by_goroutine_that_ended = owner.has_ended;
    if (!owner.has_ended && (facts.is_locked || is_in_use(owner.who, facts.locked_from, parks))) all.known.push_back(owner.who);
  } else if (facts.readers > 1) {
    all.known = find_readers(w, facts, parks);
  }
  return all;
}

}  // namespace weft::debug
