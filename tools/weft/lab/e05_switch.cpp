// E5: what one switch costs and how much of the CPU's state it saves.
#include <sys/auxv.h>

#include <memory>

#include "arch/switch.h"
#include "crowd.h"
#include "experiments.h"
#include "judge.h"
#include "os/futex.h"

namespace weft::lab {
namespace {

// --- the raw switch: two contexts on one thread, no scheduler ------------------------------------

arch::context caller, partner;

[[noreturn]] void partner_loop() {
  for (;;) arch::switch_to(partner, caller, arch::try_take(caller));
}

void raw_switch(sheet& s) {
  constexpr std::size_t stack_bytes = 64 * 1024;
  alignas(16) static std::byte stack[stack_bytes];
  // The partner is entered by a jump; a C++ function on x86-64 expects the stack as a call leaves it.
#if defined(__x86_64__)
  constexpr std::size_t return_address = sizeof(void*);
#else
  constexpr std::size_t return_address = 0;
#endif
  partner.pc = reinterpret_cast<void*>(&partner_loop);
  partner.sp.store(stack + stack_bytes - return_address, base::release);

  const long rounds = s.argument("rounds") * 4;
  stopwatch all;
  for (long i = 0; i < rounds; ++i) arch::switch_to(caller, partner, arch::try_take(partner));
  s.set("switch_ns", all.ns() / (2.0 * static_cast<double>(rounds)));
  s.set("saved_bytes", arch::saved_bytes);
}

// --- two of a kind that yield to each other ------------------------------------------------------

template <class Tasks>
void yield_to_each_other(sheet& s, long rounds) {
  auto player = [&](long) {
    for (long i = 0; i < rounds; ++i) Tasks::yield();
  };
  typename Tasks::crowd players(s);
  stopwatch all;
  players.start(2, player);
  players.join();
  s.set("switch_ns", all.ns() / (2.0 * static_cast<double>(rounds)));
}

void goroutine_yield(sheet& s) {
  yield_to_each_other<goroutines>(s, s.argument("rounds"));
  s.set("saved_bytes", arch::saved_bytes);
}

// What the kernel saves of a thread: its signal frame holds the same registers, in a size the kernel tells.
double kernel_saved_bytes() { return static_cast<double>(::getauxval(AT_MINSIGSTKSZ)); }

void thread_yield(sheet& s) {
  stay_on_one_cpu();
  yield_to_each_other<os_threads>(s, s.argument("thread-rounds"));
  s.set("saved_bytes", kernel_saved_bytes());
}

void thread_futex(sheet& s) {
  stay_on_one_cpu();
  const long rounds = s.argument("thread-rounds");
  base::atomic<std::uint32_t> turn{0};
  auto player = [&](long me) {
    const auto mine = static_cast<std::uint32_t>(me);
    for (long i = 0; i < rounds; ++i) {
      while (turn.load(base::acquire) != mine) os::futex_wait(turn, 1 - mine, os::no_deadline);
      turn.store(1 - mine, base::release);
      os::futex_wake(turn, 1);
    }
  };
  thread_crowd players(s);
  stopwatch all;
  players.start(2, player);
  players.join();
  s.set("switch_ns", all.ns() / (2.0 * static_cast<double>(rounds)));
  s.set("saved_bytes", kernel_saved_bytes());
}

std::vector<job> plan(const arguments&) {
  return {{kind::plain, "raw switch"},
          {kind::goroutines, "yield", {{"procs", 1}}},
          {kind::threads, "sched_yield"},
          {kind::threads, "futex"},
          {kind::go, "yield", {{"procs", 1}}}};
}

void verdict(judge& j) {
  j.at_most("a raw switch saves three registers", j.figure({kind::plain, "raw switch"}, "saved_bytes"), 24, "_bytes");
  j.at_least("the kernel saves all of them",
             j.ratio({kind::threads, "futex"}, {kind::plain, "raw switch"}, "saved_bytes"), 10);
  j.at_least("a kernel switch by sched_yield takes longer than a goroutine's yield",
             j.ratio({kind::threads, "sched_yield"}, {kind::goroutines, "yield"}, "switch_ns"), 5);
  j.at_least("a kernel switch by futex takes longer than a goroutine's yield",
             j.ratio({kind::threads, "futex"}, {kind::goroutines, "yield"}, "switch_ns"), 10);
}

}  // namespace

experiment e05_switch() {
  return {.id = "e5",
          .name = "switch",
          .title = "What a switch saves",
          .what =
              "The raw switch of stacks, no scheduler; two goroutines that yield on one processor; two threads on "
              "one core that switch by sched_yield and by futex. Bytes are what must be saved of the CPU's state.",
          .claim = "Three registers against all of them.",
          .parameters = {{"rounds", "switches per goroutine", 5'000'000, 1'000'000},
                         {"thread-rounds", "switches per thread", 200'000, 50'000}},
          .bodies = {{kind::plain, "raw switch", &raw_switch},
                     {kind::goroutines, "yield", &goroutine_yield},
                     {kind::threads, "sched_yield", &thread_yield},
                     {kind::threads, "futex", &thread_futex}},
          .plan = &plan,
          .columns = {{"switch_ns", "one switch"}, {"saved_bytes", "saved"}, {"switches", "kernel switches"}},
          .charts = {{chart::type::bars, "One switch", {"switch_ns"}, "", true}},
          .verdict = &verdict,
          .best_by = "switch_ns"};
}

}  // namespace weft::lab
