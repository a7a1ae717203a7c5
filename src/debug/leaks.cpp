#include "debug/leaks.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <weft/detail/channel.h>

#include "chan/channel.h"
#include "chan/waits_on.h"
#include "debug/census.h"
#include "debug/memory_scan.h"
#include "debug/waits.h"
#include "os/thread_places.h"
#include "sched/birth.h"
#include "sched/goroutine.h"
#include "stack/stack.h"

namespace weft::debug {
namespace {

using detail::channel;
using sched::wait_reason;

constexpr std::size_t most_channels = 64;  // of one select

struct suspect {
  wait park;
  std::vector<const channel*> channels;  // waited on; none: nil
  std::unordered_map<const channel*, std::uint32_t> handles;  // on its stack
  bool is_cleared = false;
};

struct channel_facts {
  std::uint32_t references = 0;
  std::uint32_t seen_elsewhere = 0;
  bool is_alive = false;
};

class investigation {
 public:
  explicit investigation(std::uint64_t asker_sp) noexcept : asker_sp_(asker_sp) {}

  std::vector<std::uint64_t> run() {
    find_suspects();
    if (suspects_.empty()) return {};
    scan_stacks();
    if (!channels_.empty()) scan_the_rest();
    settle();
    drop_those_who_moved();
    settle();
    std::vector<std::uint64_t> proven;
    for (const suspect& s : suspects_)
      if (!s.is_cleared) proven.push_back(s.park.by.id);
    std::sort(proven.begin(), proven.end());
    return proven;
  }

 private:
  void find_suspects() {
    for (const wait& w : look_at_parks()) {
      suspect s{.park = w, .channels = {}, .handles = {}};
      if (!channels_of(w, s.channels)) continue;
      if (std::any_of(s.channels.begin(), s.channels.end(), [](const channel* ch) { return !is_dependable(ch); })) continue;
      for (const channel* ch : s.channels) channels_.try_emplace(ch).first->second.references = ch->references.load(base::acquire);
      by_goroutine_.emplace(w.who, suspects_.size());
      suspects_.push_back(std::move(s));
    }
  }

  // False: it does not wait for channels alone.
  static bool channels_of(const wait& w, std::vector<const channel*>& into) {
    switch (w.reason) {
      case wait_reason::chan_send_nil:
      case wait_reason::chan_receive_nil:
      case wait_reason::select_no_cases: return true;
      case wait_reason::chan_send:
      case wait_reason::chan_receive: into.push_back(static_cast<const channel*>(w.object)); return true;
      case wait_reason::select: {
        const channel* found[most_channels];
        const detail::select_waits waits = detail::channels_of_select(w.object, found);
        if (!waits.is_known || waits.has_deadline || waits.count > most_channels) return false;
        into.assign(found, found + waits.count);
        return true;
      }
      default: return false;
    }
  }
  // Its owner is parked on it, so it is there; if it has left meanwhile, LK5 finds out, and nothing was written.
  static bool is_dependable(const channel* ch) {
    return !ch->closed.load(base::acquire) && !detail::is_fed_from_outside(ch);
  }

  // The asker's first: should it be blocked by now, it is so further down.
  [[nodiscard]] std::vector<std::uint64_t> known_stack_pointers() const {
    std::vector<std::uint64_t> known{asker_sp_};
    for (const std::uint64_t sp : os::blocked_stack_pointers()) known.push_back(sp);
    return known;
  }
  // Where the used part of a stack begins: that of a goroutine that runs is known only if it asks or is blocked in the kernel.
  static const void* used_from(const sched::goroutine& g, const std::byte* bottom, const std::byte* top, const std::vector<std::uint64_t>& known) {
    if (const void* sp = g.context.sp.load(base::acquire)) return sp;
    const auto low = reinterpret_cast<std::uint64_t>(bottom), high = reinterpret_cast<std::uint64_t>(top);
    for (const std::uint64_t sp : known)
      if (sp >= low && sp < high) return reinterpret_cast<const void*>(sp / sizeof sp * sizeof sp);
    return bottom;
  }

  // Where the functions of a suspect's stack have saved registers of their callers, sorted (LK3).
  std::vector<std::uint64_t> saved_places(const sched::goroutine& g, const std::byte* base, const std::byte* top) {
    std::vector<std::uint64_t> places;
    arch::registers frame;
    if (!parked_registers(g, frame)) return places;
    const auto note = [](void* into, std::uint64_t address) { static_cast<std::vector<std::uint64_t>*>(into)->push_back(address); };
    const stack_window window{base, reinterpret_cast<std::uint64_t>(base), reinterpret_cast<std::uint64_t>(top), note, &places};
    std::uint64_t pcs[most_frames];
    walk(frame, window, own_code(), &rules_, pcs);
    std::sort(places.begin(), places.end());
    return places;
  }

  void scan_stacks() {
    const std::vector<std::uint64_t> known = known_stack_pointers();
    stack::for_each_live([&](std::byte* top, std::byte* base) {
      const sched::goroutine* g = sched::goroutine_at(top);
      if (g->mark.load(base::acquire) != g->alive_mark) return;
      const auto own = by_goroutine_.find(g);
      const void* sp = own != by_goroutine_.end() ? suspects_[own->second].park.sp : used_from(*g, base, top, known);
      const auto* from = static_cast<const std::byte*>(sp);
      const std::vector<std::uint64_t> saved = own != by_goroutine_.end() ? saved_places(*g, base, top) : std::vector<std::uint64_t>();
      auto at = reinterpret_cast<std::uint64_t>(from);
      for_each_word(from, top, [&](std::uintptr_t word) {
        const std::uint64_t here = std::exchange(at, at + sizeof word);
        const auto ch = channels_.find(reinterpret_cast<const channel*>(word + detail::channel_ref::distance));
        if (ch == channels_.end() || std::binary_search(saved.begin(), saved.end(), here)) return;
        if (own != by_goroutine_.end()) ++suspects_[own->second].handles[ch->first];
        else ++ch->second.seen_elsewhere;
      });
    });
  }
  void scan_the_rest() {
    const bool is_complete = scan_writable_memory(known_stack_pointers(), [&](std::uintptr_t word) {
      const auto ch = channels_.find(reinterpret_cast<const channel*>(word + detail::channel_ref::distance));
      if (ch != channels_.end()) ++ch->second.seen_elsewhere;
    });
    if (is_complete) return;
    for (auto& [ch, facts] : channels_) facts.is_alive = true;
  }

  void settle() {  // LK2 to LK4
    for (bool changes = true; changes;) {
      changes = false;
      std::unordered_map<const channel*, std::uint32_t> held;
      for (const suspect& s : suspects_)
        for (auto [ch, count] : s.handles) {
          if (!s.is_cleared) held[ch] += count;
          else channels_[ch].is_alive = true;
        }
      for (auto& [ch, facts] : channels_)
        if (facts.seen_elsewhere != 0 || held[ch] < facts.references) facts.is_alive = true;
      for (suspect& s : suspects_) {
        if (s.is_cleared) continue;
        if (!std::any_of(s.channels.begin(), s.channels.end(), [&](const channel* ch) { return channels_[ch].is_alive; })) continue;
        s.is_cleared = changes = true;
      }
    }
  }

  void drop_those_who_moved() {  // LK5
    for (suspect& s : suspects_) {
      if (s.is_cleared) continue;
      bool has_moved = !is_still_parked(s.park);
      for (const channel* ch : s.channels) has_moved = has_moved || ch->references.load(base::acquire) != channels_[ch].references;
      if (has_moved) s.is_cleared = true;
    }
  }

  const std::uint64_t asker_sp_;
  std::vector<suspect> suspects_;
  std::unordered_map<const sched::goroutine*, std::size_t> by_goroutine_;
  std::unordered_map<const channel*, channel_facts> channels_;
  rule_cache rules_;
};

}  // namespace

std::vector<std::uint64_t> find_proven_leaks(std::uint64_t asker_sp) { return investigation(asker_sp).run(); }

}  // namespace weft::debug
