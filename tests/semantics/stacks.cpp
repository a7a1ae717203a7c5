// Stacks: deep recursion works on the default stack and on large ones; overflow is reported by name, size and remedy.
#include "support/child.h"
#include "support/crew.h"
#include "support/eventually.h"

#include <weft/weft.h>

#include "stack/stack.h"

#include <alloca.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

using support::mentions;
using support::run_child;

namespace {

// Touches at least `bytes` of stack, one KiB per frame, and returns a sum that only intact frames give.
[[gnu::noinline]] std::uint64_t recurse(std::size_t bytes) {
  volatile unsigned char frame[1024];
  for (std::size_t i = 0; i < sizeof frame; i += 64) frame[i] = static_cast<unsigned char>(bytes >> 10);
  std::uint64_t below = bytes <= sizeof frame ? 0 : recurse(bytes - sizeof frame);
  for (std::size_t i = 0; i < sizeof frame; i += 64) below += frame[i];
  return below;
}

std::uint64_t expected_sum(std::size_t bytes) {
  std::uint64_t sum = 0;
  for (;; bytes -= 1024) {
    sum += 16 * ((bytes >> 10) & 0xff);
    if (bytes <= 1024) return sum;
  }
}

volatile int bottom = -1;  // never reached

[[gnu::noinline]] int overflow(int depth) {
  volatile char frame[2048];
  frame[0] = static_cast<char>(depth);
  return depth == bottom ? 0 : overflow(depth + 1) + frame[0];
}

void expect_recursion(std::size_t bytes, std::size_t stack_size) {
  support::crew crew;
  weft::chan<std::uint64_t> result(1);
  weft::go({.name = "deep", .stack_size = stack_size}, [=] { result.send(recurse(bytes)); });
  EXPECT_EQ(result.recv(), expected_sum(bytes));
}

}  // namespace

TEST(stacks, a_recursion_that_touches_200_KiB_works_on_the_default_stack) { expect_recursion(200 << 10, 0); }

TEST(stacks, it_works_on_many_goroutines_at_once_and_on_recycled_stacks) {
  for (int round = 0; round < 3; ++round) {
    support::crew crew;
    for (int i = 0; i < 20; ++i) {
      crew.start([] {
        EXPECT_EQ(recurse(100 << 10), expected_sum(100 << 10));
        weft::yield();
        EXPECT_EQ(recurse(190 << 10), expected_sum(190 << 10));
      });
    }
  }
}

TEST(stacks, a_64_MiB_stack_on_request_holds_a_60_MiB_recursion) { expect_recursion(60u << 20, 64u << 20); }

TEST(stacks, large_and_small_requests_may_mix) {
  for (std::size_t size : {std::size_t{64} << 10, std::size_t{1} << 20, std::size_t{8} << 20, std::size_t{64} << 10}) {
    expect_recursion(size / 2, size);
  }
}

TEST(stacks, a_parked_deep_recursion_survives_the_recycling_of_others) {
  weft::chan<void> release;
  weft::chan<std::uint64_t> result;
  const auto deep = [&](auto& self, int depth) -> std::uint64_t {
    volatile unsigned char frame[512];
    for (auto& byte : frame) byte = static_cast<unsigned char>(depth);
    if (depth == 0) release.recv();
    const std::uint64_t below = depth == 0 ? 0 : self(self, depth - 1);
    for (auto& byte : frame)
      if (byte != static_cast<unsigned char>(depth)) return 1u << 31;
    return below + 1;
  };
  weft::go([&deep, result] { result.send(deep(deep, 200)); });
  for (int i = 0; i < 500; ++i) {
    support::crew crew;
    crew.start([] { recurse(8 << 10); });
  }
  release.close();
  EXPECT_EQ(result.recv(), 201u);
}

// --- overflow ------------------------------------------------------------------------------------

WEFT_CHILD(overflows_the_default_stack) {
  return weft::run([] {
    weft::wait_group wg;
    weft::go({.name = "bottomless"}, [] { overflow(0); });
    wg.add(1);
    wg.wait();
  });
}
WEFT_CHILD(overflows_a_requested_stack) {
  weft::go({.name = "one MiB", .stack_size = 1 << 20}, [] { overflow(0); });
  weft::chan<int>().recv();
  return 0;
}
WEFT_CHILD(overflows_the_main_goroutine) {
  return weft::run([] { return overflow(0); });
}
WEFT_CHILD(overflows_after_moving_between_workers) {
  return weft::run([] {
    support::crew crew;
    for (int i = 0; i < 8; ++i) {
      crew.start([i] {
        for (int k = 0; k < 50; ++k) weft::yield();
        if (i == 5) overflow(0);
      });
    }
  });
}
WEFT_CHILD(plain_segmentation_fault) {
  return weft::run([] {
    int* volatile nowhere = reinterpret_cast<int*>(std::uintptr_t{8});  // volatile: the compiler must not see through
    *nowhere = 1;
  });
}

TEST(stack_overflow, is_reported_with_name_size_and_remedy_and_aborts) {
  const auto child = run_child("overflows_the_default_stack");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("weft: fatal:")) << child;
  EXPECT_THAT(child.err, mentions("stack overflow")) << child;
  EXPECT_THAT(child.err, mentions("bottomless")) << child;
  EXPECT_THAT(child.err, mentions("KiB")) << child;
  EXPECT_THAT(child.err, testing::AnyOf(mentions("stack_size"), mentions("WEFT_STACK_SIZE"))) << child;
}

TEST(stack_overflow, of_a_requested_stack_names_that_size) {
  const auto child = run_child("overflows_a_requested_stack");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("stack overflow")) << child;
  EXPECT_THAT(child.err, testing::AnyOf(mentions("1024 KiB"), mentions("1 MiB"), mentions("1.0 MiB"))) << child;
}

TEST(stack_overflow, of_main_and_after_migration_is_reported) {
  for (const char* scenario : {"overflows_the_main_goroutine", "overflows_after_moving_between_workers"}) {
    const auto child = run_child(scenario);
    EXPECT_EQ(child.signal, SIGABRT) << child;
    EXPECT_THAT(child.err, mentions("stack overflow")) << child;
  }
}

// With a canary the overflow is seen only when the goroutine next parks or ends, so only the two real guards promise to
// catch a recursion that never returns.
TEST(stack_overflow, is_reported_with_every_kind_of_guard) {
  for (const char* guard : {"WEFT_DEBUG=guard=madvise", "WEFT_DEBUG=guard=mprotect"}) {
    const auto child = run_child("overflows_the_default_stack", {guard});
    EXPECT_EQ(child.signal, SIGABRT) << guard << '\n' << child;
    EXPECT_THAT(child.err, mentions("stack overflow")) << guard << '\n' << child;
  }
}

// More stacks than VMAs for guards: the later ones have a canary, which is looked at when the goroutine parks.
WEFT_CHILD(overflows_beyond_the_last_faulting_guard) {
  weft::stack::force_guard(weft::stack::guard_kind::mprotect, 200);
  return weft::run([] {
    weft::chan<void> release;
    support::crew crew;
    for (int i = 0; i < 400; ++i) crew.start([release] { release.recv(); });
    support::let_others_run();
    if (weft::stack::guard() != weft::stack::guard_kind::canary) return 3;
    weft::go({.name = "deep"}, [] {
      weft::stack::find(__builtin_frame_address(0)).base[-64] = std::byte{1};
      weft::yield();
    });
    release.recv();
    return 4;
  });
}

TEST(stack_overflow, is_reported_where_the_mappings_for_guards_were_used_up) {
  const auto child = run_child("overflows_beyond_the_last_faulting_guard");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, mentions("stack overflow")) << child;
  EXPECT_THAT(child.err, mentions("deep")) << child;
}

TEST(stack_overflow, another_segmentation_fault_is_not_called_one) {
  const auto child = run_child("plain_segmentation_fault");
  EXPECT_EQ(child.signal, SIGSEGV) << child;
  EXPECT_THAT(child.err, testing::Not(mentions("stack overflow"))) << child;
}

// Whoever handled the signal before weft gets what is none of weft's business.
WEFT_CHILD(segmentation_fault_with_a_handler) {
  struct sigaction mine {};
  mine.sa_sigaction = [](int, siginfo_t* info, void*) { ::_exit(info->si_addr == reinterpret_cast<void*>(8) ? 7 : 8); };
  mine.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &mine, nullptr);
  return child_plain_segmentation_fault();
}
WEFT_CHILD(segmentation_fault_with_a_plain_handler) {
  ::signal(SIGSEGV, [](int) { ::_exit(9); });
  return child_plain_segmentation_fault();
}

TEST(stack_overflow, another_segmentation_fault_goes_to_the_handler_that_was_there_before) {
  EXPECT_EQ(run_child("segmentation_fault_with_a_handler").exit_status, 7);
  EXPECT_EQ(run_child("segmentation_fault_with_a_plain_handler").exit_status, 9);
  const auto unguarded = run_child("segmentation_fault_with_a_handler", {"WEFT_DEBUG=guard=canary"});
  EXPECT_EQ(unguarded.exit_status, 7) << unguarded;
  EXPECT_THAT(unguarded.err, mentions("perhaps its stack")) << unguarded;
}

// --- settings ------------------------------------------------------------------------------------

WEFT_CHILD(recurses_two_MiB) {
  return weft::run([] { return recurse(2u << 20) == expected_sum(2u << 20) ? 0 : 1; });
}

TEST(stacks, the_environment_sets_the_default_size) {
  EXPECT_EQ(run_child("recurses_two_MiB", {"WEFT_STACK_SIZE=4194304"}).exit_status, 0);
  EXPECT_EQ(run_child("recurses_two_MiB", {"WEFT_STACK_SIZE=4M"}).exit_status, 0);
}

WEFT_CHILD(works_on_many_stacks) {
  return weft::run([] {
    weft::chan<void> release;
    support::crew crew;
    for (int i = 0; i < 2000; ++i) {
      crew.start([release] {
        recurse(8 << 10);
        release.recv();
      });
    }
    release.close();
    crew.join();
  });
}

TEST(stacks, every_kind_of_guard_carries_thousands_of_goroutines) {
  for (const char* guard : {"WEFT_DEBUG=guard=madvise", "WEFT_DEBUG=guard=mprotect", "WEFT_DEBUG=guard=canary"}) {
    const auto child = run_child("works_on_many_stacks", {guard});
    EXPECT_EQ(child.exit_status, 0) << guard << '\n' << child;
  }
}
