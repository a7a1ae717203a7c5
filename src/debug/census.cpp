#include "debug/census.h"

#include <algorithm>
#include <cstring>

#include "os/clock.h"
#include "os/thread_places.h"
#include "sched/birth.h"
#include "sched/idle.h"
#include "sched/queued.h"
#include "sched/short_way.h"
#include "sched/worker.h"
#include "stack/stack.h"

namespace weft::debug {

using arch::registers;
using sched::goroutine;

struct census::facts {
  std::uint64_t id, creator;
  activity doing;
  sched::wait_reason reason;
  const char* name;
  const void* start_site;
  const void* object;
  std::int64_t since_ns;
  bool is_in_virtual_time;
};

namespace {

constexpr std::int64_t visit_patience_ns = 100'000'000;

// Fields that belong to others while we read them: a stale value does no harm, a torn one would.
template <class T>
T glance(const T& field) noexcept {
  return *const_cast<const volatile T*>(&field);
}

stack_window window_of(const std::byte* base, const std::byte* top) noexcept {
  return {base, reinterpret_cast<std::uint64_t>(base), reinterpret_cast<std::uint64_t>(top)};
}

struct walked_stack {
  walk_result result;
  std::uint64_t pcs[most_frames];
  [[nodiscard]] std::span<const std::uint64_t> frames() const noexcept { return {pcs, result.count}; }
};

// What a running goroutine's thread is to do in its signal handler.
struct visit {
  const goroutine* who;
  stack_window window;
  walked_stack* into;
  bool was_there = false;
};

void walk_own_stack(void* argument, void* context) noexcept {
  auto& v = *static_cast<visit*>(argument);
  if (sched::this_goroutine() != v.who) return;  // it has ended or parked meanwhile
  const registers frame = arch::registers_of(context);
  const std::uint64_t sp = frame.value[registers::sp];
  if (sp < v.window.low || sp >= v.window.high) return;
  v.into->result = walk(frame, v.window, own_code(), nullptr, v.into->pcs);
  v.was_there = true;
}

activity walk_runner(const goroutine& g, int thread, const stack_window& window, rule_cache& rules, walked_stack& into) {
  os::blocked_place place;
  if (os::find_blocked_place(thread, place) && place.is_blocked) {
    if (place.sp < window.low || place.sp >= window.high) return activity::running;  // on another stack
    registers frame;
    frame.set(registers::sp, place.sp);
    frame.set(registers::pc, place.pc);
    into.result = walk(frame, window, own_code(), &rules, into.pcs);
    return activity::blocked;
  }
  visit v{&g, window, &into};
  if (!os::visit_thread(thread, walk_own_stack, &v, visit_patience_ns) || !v.was_there) into.result = {};
  return activity::running;
}

// Which of its places the scheduler left a parked goroutine at is nobody's concern.
std::span<const std::uint64_t> below_parks(std::span<const std::uint64_t> pcs) noexcept {
  const auto first = reinterpret_cast<std::uint64_t>(__start_weft_parks), end = reinterpret_cast<std::uint64_t>(__stop_weft_parks);
  while (pcs.size() > 1 && pcs.front() >= first && pcs.front() <= end) pcs = pcs.subspan(1);
  return pcs;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

bool parked_registers(const goroutine& g, registers& frame) noexcept {
  void* const sp = g.context.sp.load(base::acquire);
  if (!sp) return false;
  frame.set(registers::sp, reinterpret_cast<std::uint64_t>(sp));
  frame.set(registers::fp, reinterpret_cast<std::uint64_t>(glance(g.context.fp)));
  frame.set(registers::pc, reinterpret_cast<std::uint64_t>(glance(g.context.pc)));
  return true;
}

void census::note_workers() {
  for (const sched::worker* w = sched::the.all_workers.load(base::acquire); w; w = w->next_all)
    if (const goroutine* g = glance(w->current)) runners_.push_back({g, static_cast<int>(w->tid)});
  std::sort(runners_.begin(), runners_.end(), [](const runner& a, const runner& b) { return a.who < b.who; });
}

void census::add_with_stack(const goroutine& g, const std::byte* top, const std::byte* base) {
  facts f{.id = g.id,
          .creator = g.creator,
          .doing = activity::parked,
          .reason = g.reason.load(base::relaxed),
          .name = glance(g.name),
          .start_site = g.start_site,
          .object = g.object.load(base::relaxed),
          .since_ns = g.since_ns.load(base::relaxed),
          .is_in_virtual_time = g.membership != nullptr};
  const stack_window window = window_of(base, top);
  walked_stack stack;
  const auto runs = std::lower_bound(runners_.begin(), runners_.end(), &g, [](const runner& r, const goroutine* who) { return r.who < who; });
  registers frame;
  if (&g == known_.who) {
    f.doing = activity::running;
    stack.result = walk(known_.frame, window, own_code(), &rules_, stack.pcs);
  } else if (runs != runners_.end() && runs->who == &g) {
    f.doing = walk_runner(g, runs->thread, window, rules_, stack);
  } else if (parked_registers(g, frame)) {
    stack.result = walk(frame, window, own_code(), &rules_, stack.pcs);
    if (g.context.sp.load(base::acquire) != reinterpret_cast<void*>(frame.value[registers::sp])) stack.result = {};  // it has moved on
    if (f.reason == sched::wait_reason::none || std::binary_search(can_run_.begin(), can_run_.end(), reinterpret_cast<std::uintptr_t>(&g)))
      f.doing = activity::runnable;
  } else {
    f.doing = activity::runnable;
  }
  if (g.mark.load(base::acquire) != goroutine::alive_mark || g.id != f.id || !f.name) return;  // it has ended meanwhile
  if (f.doing != activity::parked) f.reason = sched::wait_reason::none;
  add(f, stack.frames(), stack.result.end);
}

void census::add(const facts& f, std::span<const std::uint64_t> pcs, walk_end end) {
  if (groups_.size() >= most_groups) pcs = pcs.first(std::min<std::size_t>(pcs.size(), 1));
  std::uint64_t hash = mix(static_cast<std::uint64_t>(f.doing), static_cast<std::uint64_t>(f.reason));
  hash = mix(mix(hash, reinterpret_cast<std::uintptr_t>(f.name)), reinterpret_cast<std::uintptr_t>(f.start_site));
  const auto key = below_parks(pcs);
  for (const std::uint64_t pc : key) hash = mix(hash, pc);
  ++counted_;
  auto [first, last] = by_hash_.equal_range(hash);
  for (; first != last && !is_apart_; ++first) {
    stack_group& same = *first->second;
    if (same.doing != f.doing || same.reason != f.reason || same.name != f.name || same.start_site != f.start_site ||
        !std::ranges::equal(key, below_parks(same.pcs)))
      continue;
    if (same.count < stack_group::most_ids) same.ids[same.count] = f.id;
    ++same.count;
    same.since_min_ns = std::min(same.since_min_ns, f.since_ns);
    same.since_max_ns = std::max(same.since_max_ns, f.since_ns);
    same.has_one_object = same.has_one_object && same.object == f.object;
    return;
  }
  stack_group fresh;
  fresh.doing = f.doing;
  fresh.reason = f.reason;
  fresh.is_in_virtual_time = f.is_in_virtual_time;
  fresh.name = f.name;
  fresh.start_site = f.start_site;
  fresh.creator = f.creator;
  fresh.object = f.reason == sched::wait_reason::none ? nullptr : f.object;
  fresh.count = 1;
  fresh.ids[0] = f.id;
  fresh.since_min_ns = fresh.since_max_ns = f.since_ns;
  fresh.pcs.assign(pcs.begin(), pcs.end());
  fresh.end = end;
  groups_.push_back(std::move(fresh));
  by_hash_.emplace(hash, &groups_.back());
}

void census::take_only(std::span<const std::uint64_t> ids) {
  is_apart_ = true;
  take_some([&](std::uint64_t id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
}

void census::take_some(const std::function<bool(std::uint64_t)>& wanted) {
  now_ns_ = os::monotonic_ns();
  note_workers();
  stack::for_each_live([&](std::byte* top, std::byte* base) {
    const goroutine* g = sched::goroutine_at(top);
    if (g->mark.load(base::acquire) == goroutine::alive_mark && wanted(g->id)) add_with_stack(*g, top, base);
  });
}

void census::take(const known_stack& known) {
  known_ = known;
  now_ns_ = os::monotonic_ns();
  note_workers();
  std::vector<sched::queued_note> queued(sched::count_queued() + 1024);
  queued.resize(sched::note_queued(queued));
  const auto can_run = [](const sched::queued_note& note) { return !sched::runnable(note.word).is_newborn(); };
  const auto first_newborn = std::partition(queued.begin(), queued.end(), can_run);
  for (auto note = queued.begin(); note != first_newborn; ++note) can_run_.push_back(note->word);
  std::sort(can_run_.begin(), can_run_.end());
  const std::span newborns(first_newborn, queued.end());
  std::ranges::sort(newborns, {}, &sched::queued_note::id);

  std::vector<std::uint64_t> begun;  // since they were noted: each counts once
  const auto was_newborn = [&](std::uint64_t id) {
    const auto after = std::ranges::upper_bound(newborns, id, {}, &sched::queued_note::id);
    return after != newborns.begin() && id - std::prev(after)->id <= std::prev(after)->more;
  };
  stack::for_each_live([&](std::byte* top, std::byte* base) {
    const goroutine* g = sched::goroutine_at(top);
    if (g->mark.load(base::acquire) != goroutine::alive_mark) return;
    if (was_newborn(g->id)) begun.push_back(g->id);
    add_with_stack(*g, top, base);
  });
  std::sort(begun.begin(), begun.end());
  for (const sched::queued_note& note : newborns) {
    for (std::uint64_t id = note.id; id <= note.id + note.more; ++id) {
      if (std::binary_search(begun.begin(), begun.end(), id)) continue;
      add({.id = id,
           .creator = note.creator,
           .doing = activity::newborn,
           .reason = sched::wait_reason::none,
           .name = note.name ? note.name : "",
           .start_site = note.start_site,
           .object = nullptr,
           .since_ns = now_ns_,
           .is_in_virtual_time = false},
          {}, walk_end::bottom);
    }
  }
}

}  // namespace weft::debug
