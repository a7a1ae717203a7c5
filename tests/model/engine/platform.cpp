// What stands behind the stand-ins: the kernel's part, and how weft dies.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>

#include "engine/engine.h"

namespace weft::base {
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);
[[noreturn]] void assertion_failed(const char* condition, const char* what, const char* file, int line);
[[gnu::format(printf, 1, 2)]] void print_error(const char* format, ...);
}  // namespace weft::base

namespace model {

// The check of the word and going to sleep are one step, as under the kernel's lock of the address. The kernel reads the
// last value. Returning says no more than a relaxed load of that value would.
int futex_wait(const cell* word, std::uint32_t expected, std::int64_t deadline_ns, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return EAGAIN;
  const std::uint32_t loc = location_of(word, sizeof(expected));
  e.shared.insert(word);
  point({action::wait, loc + 1, true, false, false});
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  const auto now_holds = static_cast<std::uint32_t>(e.locations[loc].order.back().value);
  record(action::wait, at, std::memory_order_relaxed, loc + 1, now_holds, e.locations[loc].order.back().step,
         now_holds == expected ? "sleeps" : "does not sleep");
  place_of(f.seen, loc) = static_cast<std::uint32_t>(e.locations[loc].order.size()) - 1;
  done_with({action::wait, loc + 1, true, false, false});
  if (now_holds != expected) return EAGAIN;
  if (deadline_ns <= e.now) return ETIMEDOUT;
  if (e.spurious < e.limits.spurious && pick(2) == 1) {
    ++e.spurious;
    record(action::wait, at, std::memory_order_relaxed, loc + 1, now_holds, -1, "returns for no reason");
    return EINTR;
  }
  f.now = fibre::state::sleeping;
  f.sleeps_on = loc + 1;
  f.deadline = deadline_ns;
  f.wake_result = 0;
  f.asleep_at = at;
  f.next = {action::wait, loc + 1, true, false, true};
  block();
  f.sleeps_on = 0;
  place_of(f.seen, loc) = static_cast<std::uint32_t>(e.locations[loc].order.size()) - 1;
  record(action::wait, at, std::memory_order_relaxed, loc + 1, 0, -1, f.wake_result == 0 ? "is woken" : "times out");
  return f.wake_result;
}

// The word may be gone (os/futex.h): only its address counts.
int futex_wake(const cell* word, int count, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return 0;
  std::uint32_t place = 0;
  for (std::uint32_t loc = 0; loc < e.used; ++loc)
    if (e.locations[loc].where == word && !e.locations[loc].is_dead) place = loc + 1;
  const bool is_dropped = is_mistake(at);
  const operation mine{action::wake, place, true, false, place == 0};
  if (!e.is_alone) point(mine);
  int woken = 0;
  for (int t = 1; t < e.count && woken < count && !is_dropped; ++t) {
    fibre& f = e.fibres[static_cast<std::size_t>(t)];
    if (f.now != fibre::state::sleeping || f.sleeps_on == 0 || f.sleeps_on != place) continue;
    f.now = fibre::state::ready;
    ++woken;
  }
  record(action::wake, at, std::memory_order_relaxed, place, static_cast<std::uint64_t>(woken), -1);
  if (!e.is_alone) done_with(mine);
  return woken;
}

// membarrier(PRIVATE_EXPEDITED): a full barrier of the caller, then one of each other thread at a moment of the call's own
// choosing, then one of the caller. One step each, so that everything may happen in between.
void heavy_fence(site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring || is_mistake(at)) return;
  if (e.is_alone) return seq_cst_fence(e.self);
  const operation own{action::heavy, 0, false, true, false};
  const operation of_another{action::heavy, 0, false, true, true};
  point(own);
  seq_cst_fence(e.self);
  record(action::heavy, at, std::memory_order_seq_cst, 0, 0, -1, "begins");
  done_with(own);
  for (int t = 1; t < e.count; ++t) {
    if (t == e.self) continue;
    if (e.fibres[static_cast<std::size_t>(t)].now != fibre::state::finished) point(of_another);
    seq_cst_fence(t);
    ++e.fibres[static_cast<std::size_t>(t)].interruptions;
    record(action::heavy, at, std::memory_order_seq_cst, 0, static_cast<std::uint64_t>(t), -1,
           e.fibres[static_cast<std::size_t>(t)].name);
    done_with(of_another);
  }
  seq_cst_fence(e.self);
}

std::uint32_t interruptions() noexcept {
  inside_engine guard;
  return e.fibres[static_cast<std::size_t>(e.self)].interruptions;
}

std::int64_t now_ns() noexcept { return e.now; }
void set_now(std::int64_t ns) noexcept { e.now = std::max(e.now, ns); }

bool sleeps_for_ever(int thread) noexcept {
  const fibre& f = e.fibres[static_cast<std::size_t>(thread)];
  return f.now == fibre::state::sleeping && f.deadline == INT64_MAX;
}

int choose(int options) noexcept {
  inside_engine guard;
  return pick(options);
}

void fail(const char* what) noexcept {
  inside_engine guard;
  if (!e.is_exploring) {
    std::fprintf(stderr, "model checker: %s\n", what);
    std::abort();
  }
  e.has_failed = true;
  e.failure = what;
  leave_execution();
}

void give_up(const char* limit) noexcept {
  e.gave_up = true;
  fail(limit);
}

void check(bool condition, const char* invariant) noexcept {
  if (!condition) fail(invariant);
}

void step(const char* what) noexcept {
  inside_engine guard;
  record(action::note, {"", 0}, std::memory_order_relaxed, 0, 0, -1, what);
}

void outcome(const std::string& what) {
  inside_engine guard;
  if (e.told) e.told->insert(std::string(what.c_str()));
}

}  // namespace model

namespace weft::base {

void fatal(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  model::fail(text);
}

void assertion_failed(const char* condition, const char* what, const char* file, int line) {
  fatal("%s:%d: %s (%s)", file, line, what, condition);
}

void print_error(const char*, ...) {}

}  // namespace weft::base
