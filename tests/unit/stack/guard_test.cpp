// What happens below the end of a stack, for each kind of guard, and who an address belongs to.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "os/memory.h"
#include "process.h"
#include "stack/stack.h"

namespace weft::stack {
namespace {

constexpr int found_in_guard = 40, found_elsewhere = 41, no_fault = 42;

stack_ref expected;

void on_fault(int, siginfo_t* info, void*) {
  const found f = find(info->si_addr);
  _exit(f.in_guard && f.base == expected.base && f.top == expected.top ? found_in_guard : found_elsewhere);
}

// Ends the process with what the handler of the fault found out about it.
[[noreturn]] void write_below(stack_ref s, std::size_t distance) {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  expected = s;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  reinterpret_cast<volatile char*>(s.base)[-static_cast<std::ptrdiff_t>(distance)] = 1;
  _exit(no_fault);
}

[[noreturn]] void overflow_with(guard_kind kind, std::size_t distance) {
  force_guard(kind);
  // A size of its own, so that these slots are opened here, with this kind.
  const stack_ref first = acquire_sized(176 * 1024), second = acquire_sized(176 * 1024);
  write_below(first.base > second.base ? first : second, distance);  // the other one's top lies below
}

bool kernel_has_guard_markers() {
  force_guard(guard_kind::madvise);
  return guard() == guard_kind::madvise;
}

TEST(guard, madvise_guard_faults_at_both_ends_and_is_found) {
  if (!kernel_has_guard_markers()) GTEST_SKIP() << "no guard markers in this kernel";
  EXPECT_EXIT(overflow_with(guard_kind::madvise, 1), testing::ExitedWithCode(found_in_guard), "");
  EXPECT_EXIT(overflow_with(guard_kind::madvise, 3 * 4096), testing::ExitedWithCode(found_in_guard), "");
}

TEST(guard, mprotect_guard_faults_at_both_ends_and_is_found) {
  EXPECT_EXIT(overflow_with(guard_kind::mprotect, 1), testing::ExitedWithCode(found_in_guard), "");
  EXPECT_EXIT(overflow_with(guard_kind::mprotect, 3 * 4096), testing::ExitedWithCode(found_in_guard), "");
}

TEST(guard, canary_does_not_fault_but_tells) {
  EXPECT_EXIT(overflow_with(guard_kind::canary, 1), testing::ExitedWithCode(no_fault), "");
  force_guard(guard_kind::canary);
  const stack_ref s = acquire_sized(48 * 1024);
  EXPECT_TRUE(canary_intact(s));
  std::memset(s.base, 1, s.size());
  EXPECT_TRUE(canary_intact(s));
  s.base[-100] = std::byte{1};
  EXPECT_FALSE(canary_intact(s));
  s.base[-100] = std::byte{0};
  release_sized(s);
}

TEST(guard, canary_costs_no_memory) {
  if (test::is_distorted()) GTEST_SKIP() << "not our memory";
  force_guard(guard_kind::canary);
  std::vector<stack_ref> stacks(4000);
  for (stack_ref& s : stacks) s = acquire_sized(80 * 1024);
  const std::size_t before = test::resident_bytes();
  for (const stack_ref s : stacks) ASSERT_TRUE(canary_intact(s));
  EXPECT_LE(test::resident_bytes(), before + test::MiB);
  for (const stack_ref s : stacks) release_sized(s);
}

TEST(guard, canary_check_of_a_faulting_guard_does_not_touch_it) {
  force_guard(guard_kind::canary);
  release_sized(acquire_sized(96 * 1024));  // canaries are in use from here on
  force_guard(guard_kind::mprotect);
  const stack_ref s = acquire_sized(112 * 1024);
  EXPECT_TRUE(os::is_unreadable(s.base - 1));
  EXPECT_TRUE(canary_intact(s));
  release_sized(s);
}

TEST(guard, environment_forces_the_kind) {
  if (test::is_distorted()) GTEST_SKIP() << "an emulated program may be unable to execute itself";
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process in which nobody has read the settings yet
  for (const guard_kind kind : {guard_kind::canary, guard_kind::mprotect}) {
    EXPECT_EXIT(
        {
          setenv("WEFT_DEBUG", (std::string("guard=") + name_of(kind)).c_str(), 1);
          _exit(guard() == kind ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
  }
}

TEST(guard, mprotect_leaves_half_of_the_mappings_to_the_program_and_goes_on_with_canaries) {
  const std::size_t limit = os::read_address_space_limits().max_map_count;
  if (limit > 100'000) GTEST_SKIP() << "vm.max_map_count is " << limit;
  force_guard(guard_kind::mprotect);
  cache mine;
  std::vector<stack_ref> stacks(limit / 2);
  for (stack_ref& s : stacks) s = mine.acquire();
  EXPECT_EQ(guard(), guard_kind::canary);
  EXPECT_LE(test::vma_count(), limit / 2 + 1000);
  EXPECT_TRUE(os::is_unreadable(stacks.front().base - 1));
  EXPECT_FALSE(os::is_unreadable(stacks.back().base - 1));
  for (const stack_ref s : stacks) mine.release(s);
  mine.flush();
  trim(true);
  EXPECT_EQ(guard(), guard_kind::mprotect);  // what was given back may be used again
  EXPECT_LE(test::vma_count(), 3000u);
}

TEST(guard, the_step_from_mprotect_to_canary_comes_exactly_at_the_limit_and_is_undone_by_a_release) {
  force_guard(guard_kind::mprotect, 400);  // half of it is ours: 200 VMAs, 100 guards
  std::vector<stack_ref> stacks(150);
  for (stack_ref& s : stacks) s = acquire_sized(208 * 1024);  // a size of its own: every slot is opened here
  std::size_t faulting = 0;
  for (const stack_ref s : stacks) {
    faulting += os::is_unreadable(s.base - 1);
    EXPECT_TRUE(canary_intact(s));
  }
  EXPECT_EQ(faulting, 100u);
  EXPECT_EQ(guard(), guard_kind::canary);
  const auto weak = std::find_if(stacks.begin(), stacks.end(), [](stack_ref s) { return !os::is_unreadable(s.base - 1); });
  weak->base[-8] = std::byte{1};
  EXPECT_FALSE(canary_intact(*weak));
  weak->base[-8] = std::byte{0};
  for (const stack_ref s : stacks) release_sized(s);
  trim(true);
  EXPECT_EQ(guard(), guard_kind::mprotect);
}

TEST(find, knows_stack_guard_and_neither) {
  cache mine;
  const stack_ref s = mine.acquire();
  for (const std::byte* inside : {s.base, s.base + s.size() / 2, s.top - 1}) {
    EXPECT_FALSE(find(inside).in_guard);
    EXPECT_EQ(find(inside).base, s.base);
    EXPECT_EQ(find(inside).top, s.top);
  }
  EXPECT_TRUE(find(s.base - 1).in_guard);
  EXPECT_TRUE(find(s.base - 3 * 4096).in_guard);
  EXPECT_EQ(find(s.base - 1).base, s.base);
  int on_a_plain_stack = 0;
  for (const void* other : {static_cast<const void*>(&on_a_plain_stack), static_cast<const void*>(nullptr),
                            reinterpret_cast<const void*>(~std::uintptr_t{0}), reinterpret_cast<const void*>(4096)})
    EXPECT_EQ(find(other).base, nullptr);
  mine.release(s);
}

TEST(find, forgets_a_stack_whose_slab_is_gone) {
  const stack_ref s = acquire_sized(7 * test::MiB);
  release_sized(s);
  trim(true);
  EXPECT_EQ(find(s.base).base, nullptr);
}

void limit_address_space(std::size_t more) {
  const rlim_t bytes = test::status_bytes("VmSize") + more;
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
}

TEST(exhaustion, dies_naming_the_limit_to_raise) {
  if (test::is_distorted()) GTEST_SKIP() << "others need address space too";
  EXPECT_DEATH(
      {
        limit_address_space(300 * test::MiB);
        for (;;) acquire_sized(built_in_default_size);
      },
      "weft: fatal: no address space for one more goroutine stack of 224 KiB .* in use, .*ulimit -v unlimited");
}

TEST(exhaustion, little_address_space_is_used_to_the_end) {
  if (test::is_distorted()) GTEST_SKIP() << "others need address space too";
  EXPECT_EXIT(
      {
        limit_address_space(100 * test::MiB);
        for (int i = 0; i < 300; ++i) acquire_sized(built_in_default_size).top[-1] = std::byte{1};
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace weft::stack
