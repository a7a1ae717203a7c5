// The switch alone, without a scheduler: arrival on a fresh stack, return, and what the permit says.
#include "arch/switch.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace {

using weft::arch::context;

struct partners {
  context here, there;
  int steps = 0;
  std::uintptr_t stack_address = 0;
};
partners* current;

void on_the_other_stack() {
  for (;;) {
    int local = 0;
    current->stack_address = reinterpret_cast<std::uintptr_t>(&local);
    ++current->steps;
    void* sp = weft::arch::try_take(current->here);
    weft::arch::switch_to(current->there, current->here, sp);
  }
}

TEST(switch_to, runs_on_the_other_stack_and_comes_back_with_all_values_intact) {
  alignas(16) static std::byte stack[64 * 1024];
  partners pair;
  current = &pair;
  // As arch::prepare, with a start of our own; eight bytes down, as if it had been called.
  pair.there.pc = reinterpret_cast<void*>(&on_the_other_stack);
#if defined(__x86_64__)
  pair.there.sp.store(stack + sizeof stack - 8, weft::base::release);
#else
  pair.there.sp.store(stack + sizeof stack, weft::base::release);
#endif
  double kept = 1.5;
  std::vector<int> values{1, 2, 3};
  for (int i = 1; i <= 1000; ++i) {
    void* sp = weft::arch::try_take(pair.there);
    ASSERT_NE(sp, nullptr);
    EXPECT_EQ(weft::arch::try_take(pair.there), nullptr) << "the permit exists once";
    weft::arch::switch_to(pair.here, pair.there, sp);
    ASSERT_EQ(pair.steps, i);
    kept += i;
  }
  EXPECT_EQ(kept, 1.5 + 500500);
  EXPECT_EQ(values, (std::vector<int>{1, 2, 3}));
  EXPECT_GE(pair.stack_address, reinterpret_cast<std::uintptr_t>(stack));
  EXPECT_LT(pair.stack_address, reinterpret_cast<std::uintptr_t>(stack + sizeof stack));
}

TEST(switch_to, saves_three_words) { EXPECT_EQ(weft::arch::saved_bytes, 3 * sizeof(void*)); }

}  // namespace
