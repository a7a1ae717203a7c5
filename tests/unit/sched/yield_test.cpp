// What those who follow frame pointers see of a goroutine in yield(): cmake/WeftFlags.cmake, sched/yield.cpp.
#include <atomic>
#include <deque>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "sched/worker.h"

namespace {

struct subject {
  std::atomic<const weft::sched::goroutine*> who{nullptr};
  std::atomic<const void*> frame{nullptr};  // of the function that calls yield()
  std::atomic<bool> was_seen{false};
};

[[gnu::noinline]] void yield_until_seen(subject& me) {
  me.who = weft::sched::this_goroutine();
  me.frame = __builtin_frame_address(0);
  while (!me.was_seen) weft::yield();
}

// On one processor each of them runs while the others are in yield(). Two take another way than more do.
class yield : public testing::TestWithParam<int> {};

TEST_P(yield, frame_pointers_lead_from_it_to_its_caller) {
  bool is_reached = false;
  weft::run(
      [&] {
        std::deque<subject> subjects(1 + static_cast<std::size_t>(GetParam()));
        weft::wait_group all;
        for (subject& each : subjects) all.go([&each] { yield_until_seen(each); });
        for (int i = 0; i < 10; ++i) weft::yield();  // by the long way first, as they are newborns
        const subject& other = subjects.front();
        const weft::sched::goroutine* const who = other.who;
        ASSERT_NE(who, nullptr);
        const void *const sp = who->context.sp.load(weft::base::relaxed), *frame = who->context.fp;
        while (!is_reached && frame >= sp && frame <= other.frame) {
          is_reached = frame == other.frame;
          frame = *static_cast<void* const*>(frame);
        }
        for (subject& each : subjects) each.was_seen = true;
        all.wait();
      },
      {.procs = 1});
  EXPECT_TRUE(is_reached);
}

INSTANTIATE_TEST_SUITE_P(with_bystanders, yield, testing::Values(0, 3), testing::PrintToStringParamName());

}  // namespace
