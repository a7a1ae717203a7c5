// Threads of the program as fibres of one OS thread, and who of them goes next.
//
// A fibre stands at a point: it has announced its next step and performs it when it is chosen. What it does from there to
// its next point is its own affair. The choice is made on the stack of whoever comes to a point or blocks; there is no
// scheduler's stack. A stack is entered anew by a longjmp to its base frame, so starting an execution costs no system call.
//
//   F1  Only engine::self runs. Nobody else changes its fibre, but for membarrier (its views) and wake-ups (its state).
//   F2  Bounded mode: the thread at a point is the first option; others cost one preemption each.
//   F3  Sleep sets: a thread is in engine::asleep while everything that begins with its next step has been explored from a
//       state that differs only by independent steps.
#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "engine/engine.h"

namespace model {

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

struct stack {
  std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(stack_bytes);
  jmp_buf base;
  ucontext_t first, creator;
};
std::array<stack, max_threads> stacks;
std::array<void**, 4> own_pointers{};
std::array<std::array<void*, 4>, max_threads> pointers_of{};

fibre& me() noexcept { return e.fibres[static_cast<std::size_t>(e.self)]; }

[[noreturn]] void live() noexcept;

// The bottom of each fibre's stack. Its frame is never left, so one may jump to it as often as one likes.
void bottom(int number) {
  stack& mine = stacks[static_cast<std::size_t>(number)];
  if (_setjmp(mine.base) == 0) ::swapcontext(&mine.first, &mine.creator);
  live();
}

void prepare_stacks() {
  static bool is_done = false;
  if (std::exchange(is_done, true)) return;
  for (int t = 0; t < max_threads; ++t) {
    stack& s = stacks[static_cast<std::size_t>(t)];
    ::getcontext(&s.first);
    s.first.uc_stack.ss_sp = s.memory.get();
    s.first.uc_stack.ss_size = stack_bytes;
    s.first.uc_link = nullptr;
    ::makecontext(&s.first, reinterpret_cast<void (*)()>(bottom), 1, t);
    ::swapcontext(&s.creator, &s.first);
  }
}

void exchange_pointers(int from, int to) noexcept {
  for (std::size_t i = 0; i < own_pointers.size() && own_pointers[i]; ++i) {
    pointers_of[static_cast<std::size_t>(from)][i] = *own_pointers[i];
    *own_pointers[i] = pointers_of[static_cast<std::size_t>(to)][i];
  }
}

// Lets `next` run; returns when somebody lets this thread run.
void switch_to(int next) noexcept {
  if (next == e.self) return;
  me().in_a_row = 0;
  exchange_pointers(e.self, next);
  fibre& from = me();
  if (_setjmp(from.resume) != 0) return;
  e.self = next;
  fibre& to = me();
  if (to.has_begun) _longjmp(to.resume, 1);
  to.has_begun = true;
  _longjmp(stacks[static_cast<std::size_t>(next)].base, 1);
}

bool has_news(const fibre& f) noexcept {
  for (auto [loc, place] : f.polled)
    if (e.locations[loc].order.size() - 1 > place) return true;
  return false;
}

bool could_run(int t) noexcept {
  const fibre& f = e.fibres[static_cast<std::size_t>(t)];
  switch (f.now) {
    case fibre::state::ready: return f.has_begun;
    case fibre::state::spinning: return has_news(f);
    case fibre::state::yielding: return true;
    default: return false;
  }
}

threads all_that_could_run() noexcept {
  threads able = 0;
  for (int t = 1; t < e.count; ++t)
    if (could_run(t)) able |= one(t);
  return able;
}

bool is_dependent(const operation& a, const operation& b) noexcept {
  if (a.touches_all || b.touches_all) return true;
  if (a.is_seq_cst && b.is_seq_cst) return true;
  return a.place != 0 && a.place == b.place && (a.writes || b.writes);
}

void tell_deadlock() {
  std::string what = "deadlock: nobody can run, and these have not ended:";
  for (int t = 1; t < e.count; ++t) {
    const fibre& f = e.fibres[static_cast<std::size_t>(t)];
    if (f.now != fibre::state::finished && !f.may_sleep) what += std::string(" ") + f.name;
  }
  fail(what.c_str());
}

struct options {
  int thread[2 * max_threads];
  bool by_time[2 * max_threads];
  int count = 0;
  void add(int t, bool time) noexcept {
    thread[count] = t;
    by_time[count++] = time;
  }
};

// Sleepers with a deadline, earliest first only: time passes in order. It costs nothing where nobody else can run.
void add_timeouts(options& out) noexcept {
  if (e.limits.timeouts == 0 || (out.count != 0 && e.timeouts >= e.limits.timeouts)) return;
  int soonest = 0;
  for (int t = 1; t < e.count; ++t) {
    const fibre& f = e.fibres[static_cast<std::size_t>(t)];
    if (f.now != fibre::state::sleeping || f.deadline == INT64_MAX) continue;
    if (!soonest || f.deadline < e.fibres[static_cast<std::size_t>(soonest)].deadline) soonest = t;
  }
  if (soonest) out.add(soonest, true);
}

// Who may go next (F2, F3). The thread at a point comes first.
options who_may() noexcept {
  const threads able = all_that_could_run();
  options out;
  const bool stays = e.self != 0 && me().now == fibre::state::ready && could_run(e.self);
  const bool is_free = !stays || e.preemptions < e.limits.preemptions;
  if (stays) out.add(e.self, false);
  if (is_free) {
    for (int t = 1; t < e.count; ++t) {
      if ((stays && t == e.self) || !(able & one(t))) continue;
      if ((e.fibres[static_cast<std::size_t>(t)].before_it & able) == 0) out.add(t, false);
    }
    if (out.count == 0)
      for (int t = 1; t < e.count; ++t)
        if (able & one(t)) out.add(t, false);
    add_timeouts(out);
  }
  return out;
}

bool is_unbounded() noexcept { return e.limits.preemptions >= all; }

void drop_those_asleep(options& out) noexcept {
  options awake;
  for (int i = 0; i < out.count; ++i)
    if (out.by_time[i] || !(e.asleep & one(out.thread[i]))) awake.add(out.thread[i], out.by_time[i]);
  out = awake;
}

void wake_by_time(int t) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(t)];
  e.now = std::max(e.now, f.deadline);
  f.now = fibre::state::ready;
  f.wake_result = ETIMEDOUT;
  e.asleep = 0;
}

// Chooses who runs next. -1: nobody can.
int choose_next() noexcept {
  options may = who_may();
  if (may.count == 0) return -1;
  if (is_unbounded()) {
    drop_those_asleep(may);
    if (may.count == 0) {
      e.is_redundant = true;
      leave_execution();
    }
  }
  const int taken = pick(may.count);
  const int next = may.thread[taken];
  if (e.self != 0 && me().now == fibre::state::ready && next != e.self && could_run(e.self)) ++e.preemptions;
  if (is_unbounded())
    for (int i = 0; i < taken; ++i)
      if (!may.by_time[i]) e.asleep |= one(may.thread[i]);
  if (may.by_time[taken]) wake_by_time(next);
  if (may.by_time[taken] && may.count > 1) ++e.timeouts;
  return next;
}

void took_a_step(int t) noexcept {
  for (int other = 1; other < e.count; ++other) {
    e.fibres[static_cast<std::size_t>(other)].before_it &= ~one(t);
    e.fibres[static_cast<std::size_t>(other)].stepped |= one(t);
  }
}

// Nobody can run: the end of parallel(), unless somebody should have ended.
void go_back_to_body() noexcept {
  for (int t = 1; t < e.count; ++t) {
    const fibre& f = e.fibres[static_cast<std::size_t>(t)];
    if (f.now != fibre::state::finished && !f.may_sleep) tell_deadlock();
  }
  switch_to(0);
}

void proceed() noexcept {
  const int next = choose_next();
  if (next < 0) return go_back_to_body();
  switch_to(next);
}

void resume_spinner(fibre& f) noexcept {
  // What it polls it sees anew: a spinning thread reads the last value in the end.
  if (f.now == fibre::state::spinning)
    for (auto [loc, place] : f.polled)
      place_of(f.seen, loc) = std::max(place_of(f.seen, loc), static_cast<std::uint32_t>(e.locations[loc].order.size()) - 1);
  f.polled.clear();
  f.now = fibre::state::ready;
}

void give_way(fibre::state how, action what) noexcept {
  inside_engine guard;
  if (!e.is_exploring || e.is_alone) return;
  fibre& f = me();
  const threads others = all_that_could_run() & ~one(e.self);
  f.before_it |= others & ~f.stepped;  // E6
  f.stepped = 0;
  f.now = how;
  f.next = {what, 0, false, false, true};
  block();
  took_a_step(e.self);
  resume_spinner(me());
  done_with(me().next);
}

void live() noexcept {
  fibre& f = me();
  if (e.self == 0) {
    e.in_program = true;
    f.body();
    e.in_program = false;
    leave_execution();
  }
  e.in_program = true;
  f.body();
  e.in_program = false;
  record(action::end, {"", 0}, std::memory_order_relaxed, 0, 0, -1);
  f.now = fibre::state::finished;
  if (e.fibres[0].next.what == action::begin) switch_to(0);  // ended before its first point
  proceed();
  __builtin_unreachable();
}

void reset(fibre& f, const thread* description) {
  f.name = description ? description->name : "body";
  f.body = description ? description->body : program();
  f.may_sleep = description && description->may_sleep;
  f.now = fibre::state::ready;
  f.has_begun = false;
  f.to_acquire.at.fill(0);
  f.released.at.fill(0);
  f.next = {};
  f.polled.clear();
  f.stepped = ~threads{0};
  f.before_it = 0;
  f.in_a_row = 0;
  f.sleeps_on = 0;
}

}  // namespace

void own_per_thread(void** pointer) {
  for (void**& place : own_pointers) {
    if (place == pointer) return;
    if (!place) {
      place = pointer;
      return;
    }
  }
  give_up("too many pointers that each thread has its own of");
}

void point(const operation& next) noexcept {
  fibre& f = me();
  f.next = next;
  if (++f.in_a_row > e.limits.slice) {
    f.in_a_row = 0;
    f.before_it |= all_that_could_run() & ~one(e.self);
    f.now = fibre::state::yielding;
  }
  block();
  me().now = fibre::state::ready;
  took_a_step(e.self);
}

void done_with(const operation& done) noexcept {
  if (e.asleep == 0 || done.what == action::none) return;
  for (int t = 1; t < e.count; ++t)
    if ((e.asleep & one(t)) && is_dependent(done, e.fibres[static_cast<std::size_t>(t)].next)) e.asleep &= ~one(t);
}

void block() noexcept {
  if (e.fibres[0].next.what == action::begin) switch_to(0);  // the body begins all threads before any goes on
  else proceed();
}

void spin() noexcept { give_way(fibre::state::spinning, action::spin); }
void yield() noexcept { give_way(fibre::state::yielding, action::yield); }

void leave_execution() noexcept { _longjmp(e.outside, 1); }

void parallel(std::initializer_list<thread> threads) {
  inside_engine guard;
  fibre& body = e.fibres[0];
  if (threads.size() >= max_threads) give_up("too many threads");
  e.count = 1 + static_cast<int>(threads.size());
  e.is_alone = false;
  for (std::uint32_t i = 0; i < e.used; ++i) e.locations[i].users = e.locations[i].writers = 0;
  int t = 1;
  for (const thread& description : threads) {
    fibre& f = e.fibres[static_cast<std::size_t>(t)];
    reset(f, &description);
    f.seen = body.seen;
    clock_of(f.seen, t++) = 1;
  }
  body.next.what = action::begin;
  for (t = 1; t < e.count; ++t) switch_to(t);
  body.next.what = action::none;
  const int first = choose_next();
  if (first >= 0) switch_to(first);
  else go_back_to_body();
  e.is_alone = true;
  for (t = 1; t < e.count; ++t) {
    const view& seen = e.fibres[static_cast<std::size_t>(t)].seen;
    join(body.seen, {seen.at.data(), max_threads + e.used});
  }
  ++clock_of(body.seen, 0);
}

void run_body(const program& body) {
  prepare_stacks();
  fibre& f = e.fibres[0];
  reset(f, nullptr);
  f.body = body;
  f.seen.at.fill(0);
  clock_of(f.seen, 0) = 1;
  e.self = 0;
  e.count = 1;
  e.is_alone = true;
  f.has_begun = true;
  pointers_of = {};
  for (void** pointer : own_pointers)
    if (pointer) *pointer = nullptr;
  if (_setjmp(e.outside) == 0) _longjmp(stacks[0].base, 1);
  e.is_exploring = false;
  e.in_program = false;
}

int thread_number() noexcept { return e.self; }

}  // namespace model
