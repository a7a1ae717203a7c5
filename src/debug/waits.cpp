#include "debug/waits.h"

#include "debug/plain_threads.h"
#include "sched/birth.h"
#include "sched/goroutine.h"
#include "stack/stack.h"

namespace weft::debug {

using sched::goroutine;
using sched::wait_reason;

namespace {

// False: it is not parked.
bool look_at(const goroutine& g, wait& seen) noexcept {
  seen.who = &g;
  seen.by = {false, g.id};
  seen.reason = g.reason.load(base::acquire);
  seen.object = g.object.load(base::relaxed);
  seen.since_ns = g.since_ns.load(base::relaxed);
  seen.sp = g.context.sp.load(base::acquire);
  return seen.reason != wait_reason::none && seen.sp && g.mark.load(base::acquire) == goroutine::alive_mark;
}

}  // namespace

std::string party_text(const party& p) {
  if (!p.is_thread) return "goroutine " + std::to_string(p.id);
  return p.id == 0 ? "a plain thread" : thread_text(static_cast<pid_t>(p.id));
}

bool is_for_lock(const wait& w) noexcept {
  return w.reason == wait_reason::mutex_lock || w.reason == wait_reason::rw_mutex_lock || w.reason == wait_reason::rw_mutex_lock_shared;
}

std::vector<wait> look_at_parks() {
  std::vector<wait> all;
  stack::for_each_live([&](std::byte* top, std::byte*) {
    const goroutine* g = sched::goroutine_at(top);
    if (g->mark.load(base::acquire) != goroutine::alive_mark) return;
    if (wait w; look_at(*g, w)) all.push_back(w);
  });
  return all;
}

std::vector<wait> look_at_all_parks() {
  std::vector<wait> all = look_at_parks();
  for (const sched::thread_note& t : parked_plain_threads())
    if (t.is_for_good)
      all.push_back({.who = nullptr, .by = {true, static_cast<std::uint64_t>(t.thread)}, .reason = t.reason, .object = t.object, .since_ns = t.since_ns, .sp = t.frame});
  return all;
}

bool is_same_park(const wait& a, const wait& b) noexcept {
  return a.by == b.by && a.reason == b.reason && a.object == b.object && a.since_ns == b.since_ns && a.sp == b.sp;
}

bool is_still_parked(const wait& before) noexcept {
  wait now;
  return look_at(*before.who, now) && is_same_park(now, before);
}

}  // namespace weft::debug
