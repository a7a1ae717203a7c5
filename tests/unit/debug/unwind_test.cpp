// Stacks walked by call frame information alone: this program is compiled without frame pointers.
#include <gtest/gtest.h>

#include <weft/weft.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>
#include <vector>

#include "arch/unwind_registers.h"
#include "debug/unwind.h"
#include "os/process_threads.h"
#include "os/thread_places.h"
#include "sched/birth.h"
#include "sched/goroutine.h"
#include "stack/stack.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/parked.h"

namespace {

using namespace weft::debug;
using weft::arch::registers;

struct trace {
  std::uint64_t pcs[most_frames];
  walk_result result;
};

stack_window above(std::uint64_t sp, std::uint64_t bytes) {
  return {reinterpret_cast<const std::byte*>(sp), sp, sp + bytes};
}

// Is some frame of the trace in `function`? Its code is taken to be shorter than 4 KiB.
template <class F>
bool passes_through(const trace& t, F* function) {
  unwind_section section;
  const auto start = reinterpret_cast<std::uint64_t>(function);
  if (!own_code().find(start, section)) return false;
  for (std::uint32_t i = 0; i < t.result.count; ++i)
    if (find_rule(section, t.pcs[i] - (i ? 1 : 0)).function == find_rule(section, start).function) return true;
  return false;
}

[[gnu::noinline]] void take_trace(trace& into, rule_cache* rules) {
  const registers here = weft::arch::registers_here();
  into.result = walk(here, above(here.value[registers::sp], 16 * 1024), own_code(), rules, into.pcs);
  asm volatile("");
}
[[gnu::noinline]] int inner(trace& into, rule_cache* rules, int n) {
  volatile char local[200] = {};
  take_trace(into, rules);
  return n + local[5];
}
[[gnu::noinline]] int with_dynamic_size(trace& into, rule_cache* rules, int n) {  // its frame is found by a frame pointer
  auto* local = static_cast<char*>(__builtin_alloca(static_cast<std::size_t>(n)));
  asm volatile("" : : "r"(local) : "memory");
  return inner(into, rules, n) + local[0];
}
[[gnu::noinline]] int outer(trace& into, rule_cache* rules, int n) { return with_dynamic_size(into, rules, n) * 3; }

TEST(unwind, finds_the_callers) {
  trace t;
  outer(t, nullptr, 64);
  EXPECT_GE(t.result.count, 4u);
  EXPECT_TRUE(passes_through(t, &inner));
  EXPECT_TRUE(passes_through(t, &with_dynamic_size));
  EXPECT_TRUE(passes_through(t, &outer));
}

TEST(unwind, kept_rules_give_the_same_frames) {
  rule_cache rules;
  trace first, second;
  for (trace* t : {&first, &second}) outer(*t, &rules, 64);
  ASSERT_EQ(first.result.count, second.result.count);
  for (std::uint32_t i = 2; i < first.result.count; ++i) EXPECT_TRUE(i == 4 || first.pcs[i] == second.pcs[i]) << i;
}

TEST(unwind, a_goroutine_ends_cleanly) {
  trace t;
  weft::run([&] {
    const registers here = weft::arch::registers_here();
    const auto stack = weft::stack::find(reinterpret_cast<void*>(here.value[registers::sp]));
    const stack_window window{stack.base, reinterpret_cast<std::uint64_t>(stack.base), reinterpret_cast<std::uint64_t>(stack.top)};
    t.result = walk(here, window, own_code(), nullptr, t.pcs);
  });
  EXPECT_EQ(t.result.end, walk_end::bottom);
  EXPECT_GE(t.result.count, 4u);
}

[[gnu::noinline]] void wait_deep_inside(weft::chan<int> ch, int depth) {
  if (depth > 0) wait_deep_inside(ch, depth - 1);
  else ch.recv();
  asm volatile("" : : : "memory");
}

TEST(unwind, walks_parked_goroutines) {
  support::crew peers(support::kind::goroutine);
  weft::chan<int> ch;
  support::start_parked(peers, [&] { wait_deep_inside(ch, 20); });
  trace t;
  weft::stack::for_each_live([&](std::byte* top, std::byte* base) {
    auto* g = weft::sched::goroutine_at(top);
    if (g->mark.load(weft::base::acquire) != g->alive_mark || g->reason.load(weft::base::relaxed) != weft::sched::wait_reason::chan_receive) return;
    ASSERT_TRUE(support::eventually([&] { return g->context.sp.load(weft::base::acquire) != nullptr; }));
    registers frame;
    frame.set(registers::sp, reinterpret_cast<std::uint64_t>(g->context.sp.load(weft::base::acquire)));
    frame.set(registers::fp, reinterpret_cast<std::uint64_t>(g->context.fp));
    frame.set(registers::pc, reinterpret_cast<std::uint64_t>(g->context.pc));
    t.result = walk(frame, {base, reinterpret_cast<std::uint64_t>(base), reinterpret_cast<std::uint64_t>(top)}, own_code(), nullptr, t.pcs);
  });
  EXPECT_TRUE(passes_through(t, &wait_deep_inside));
  EXPECT_GE(t.result.count, 24u);
  EXPECT_EQ(t.result.end, walk_end::bottom);
  ch.close();
}

trace seen_in_handler;
void on_signal(int, siginfo_t*, void*) { take_trace(seen_in_handler, nullptr); }
[[gnu::noinline]] int is_interrupted(int n) {
  ::raise(SIGUSR1);
  return n * 2;
}

TEST(unwind, passes_signal_frames) {
  struct sigaction action{}, before;
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  is_interrupted(1);
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(passes_through(seen_in_handler, &is_interrupted));
}

struct blocked_thread {
  int ends[2];
  std::uint64_t top = 0;
  std::atomic<pid_t> id{0};
};
// Its frame is found by the frame pointer, which read() does not save.
[[gnu::noinline]] long blocks_in_read(blocked_thread& me, int size) {
  auto* buffer = static_cast<char*>(__builtin_alloca(static_cast<std::size_t>(size)));
  return ::read(me.ends[0], buffer, 1);
}
[[gnu::noinline]] long calls_what_blocks(blocked_thread& me) { return blocks_in_read(me, 96) + 1; }

TEST(unwind, walks_threads_that_are_blocked_in_the_kernel) {
  blocked_thread who;
  ASSERT_EQ(::pipe(who.ends), 0);
  std::thread thread([&] {
    who.top = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    who.id = weft::os::thread_id();
    calls_what_blocks(who);
  });
  weft::os::blocked_place place;
  ASSERT_TRUE(support::eventually([&] {
    return who.id && weft::os::find_blocked_place(who.id, place) && place.is_blocked && place.call == SYS_read;
  }));
  registers frame;
  frame.set(registers::sp, place.sp);
  frame.set(registers::pc, place.pc);
  trace t;
  t.result = walk(frame, above(place.sp, who.top - place.sp), own_code(), nullptr, t.pcs);
  EXPECT_TRUE(passes_through(t, &blocks_in_read));
  EXPECT_TRUE(passes_through(t, &calls_what_blocks));
  EXPECT_EQ(::write(who.ends[1], "x", 1), 1);
  thread.join();
  ::close(who.ends[0]), ::close(who.ends[1]);
}

TEST(unwind, asks_threads_that_run) {
  std::atomic<bool> stop{false};
  std::atomic<pid_t> id{0};
  std::thread thread([&] {
    id = weft::os::thread_id();
    while (!stop) {}
  });
  ASSERT_TRUE(support::eventually([&] { return id != 0; }));
  weft::os::blocked_place place;
  ASSERT_TRUE(support::eventually([&] { return weft::os::find_blocked_place(id, place) && !place.is_blocked; }));
  pid_t seen = 0;
  EXPECT_TRUE(weft::os::visit_thread(id, [](void* seen, void*) { *static_cast<pid_t*>(seen) = weft::os::thread_id(); }, &seen, 20'000'000'000));
  EXPECT_EQ(seen, id);
  stop = true;
  thread.join();
  EXPECT_FALSE(weft::os::visit_thread(id, [](void*, void*) {}, nullptr, 1'000'000));
}

// Wrong data gives wrong frames at worst. Under AddressSanitizer and Valgrind this shows reads out of bounds as well.
TEST(unwind, survives_broken_data) {
  unwind_section real;
  const auto pc = reinterpret_cast<std::uint64_t>(&outer);
  ASSERT_TRUE(own_code().find(pc, real));
  std::vector<std::byte> copy(real.bytes + (real.header - real.address), real.bytes + real.size);
  unwind_section broken{copy.data(), real.header, copy.size(), real.header};
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const registers here = weft::arch::registers_here();
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t at = random() % std::min<std::size_t>(copy.size(), round % 2 ? copy.size() : 64);
    const std::byte before = copy[at];
    copy[at] = static_cast<std::byte>(random());
    for (int i = 0; i < 4; ++i) {
      const unwind_rule rule = find_rule(broken, pc + random() % 4096);
      registers frame = here;
      step(rule, above(here.value[registers::sp], 256), frame);
    }
    if (round % 64) copy[at] = before;
  }
}

}  // namespace
