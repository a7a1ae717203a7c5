// What those who follow frame pointers see of a goroutine in yield(): cmake/WeftFlags.cmake, sched/yield.cpp.
#include <gtest/gtest.h>
#include <weft/weft.h>

#include "sched/worker.h"

namespace {

struct subject {
  const weft::sched::goroutine* who = nullptr;
  const void* frame = nullptr;  // of the function that calls yield()
  bool was_seen = false;
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
        subject other, bystander;
        weft::wait_group all;
        all.go([&] { yield_until_seen(other); });
        for (int i = 0; i < GetParam(); ++i) all.go([&] { yield_until_seen(bystander); });
        for (int i = 0; i < 10; ++i) weft::yield();  // by the long way first, as they are newborns
        ASSERT_NE(other.who, nullptr);
        const void *const sp = other.who->context.sp.load(weft::base::relaxed), *frame = other.who->context.fp;
        while (!is_reached && frame >= sp && frame <= other.frame) {
          is_reached = frame == other.frame;
          frame = *static_cast<void* const*>(frame);
        }
        other.was_seen = bystander.was_seen = true;
        all.wait();
      },
      {.procs = 1});
  EXPECT_TRUE(is_reached);
}

INSTANTIATE_TEST_SUITE_P(with_bystanders, yield, testing::Values(0, 3), testing::PrintToStringParamName());

}  // namespace
