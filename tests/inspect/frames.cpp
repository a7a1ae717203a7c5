// The frame-pointer chain of a goroutine, which `perf record --call-graph fp` follows, before and after switches: it goes
// through the user's functions to the bottom of the goroutine's stack, and ends there.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "stack/stack.h"

extern "C" void weft_goroutine_start();

namespace {

using namespace std::chrono_literals;

struct chain {
  std::vector<std::uintptr_t> returns;
  bool ends_in_null = false;
  bool stays_on_the_stack = true;
};

[[gnu::noinline]] chain walk() {
  chain seen;
  const auto* frame = static_cast<const std::uintptr_t*>(__builtin_frame_address(0));
  const auto home = weft::stack::find(frame);
  while (frame) {
    const auto* at = reinterpret_cast<const std::byte*>(frame);
    seen.stays_on_the_stack = at >= home.base && at + 16 <= home.top;
    if (!seen.stays_on_the_stack) return seen;
    if (const std::uintptr_t back = frame[1]) seen.returns.push_back(back);
    const auto* above = reinterpret_cast<const std::uintptr_t*>(frame[0]);
    if (above && above <= frame) return seen;  // not a chain
    frame = above;
  }
  seen.ends_in_null = true;
  return seen;
}

bool is_inside(std::uintptr_t address, const void* function, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(function);
  return address > begin && address <= begin + bytes;
}

template <class Block>
[[gnu::noinline]] chain outer_function(Block block) {
  block();
  chain seen = walk();
  asm volatile("" : : "r"(&seen) : "memory");  // no tail call
  return seen;
}

template <class Block>
void expect_whole_chain(Block block) {
  chain seen;
  support::on_goroutine([&] { seen = outer_function(block); });
  EXPECT_TRUE(seen.stays_on_the_stack);
  EXPECT_TRUE(seen.ends_in_null);
  ASSERT_GE(seen.returns.size(), 3u);
  EXPECT_TRUE(is_inside(seen.returns[0], reinterpret_cast<const void*>(&outer_function<Block>), 512));
  EXPECT_TRUE(is_inside(seen.returns.back(), reinterpret_cast<const void*>(&weft_goroutine_start), 16));
}

TEST(frame_pointers, lead_to_the_bottom_before_the_first_switch) {
  expect_whole_chain([] {});
}

TEST(frame_pointers, lead_to_the_bottom_after_switches_of_all_kinds) {
  expect_whole_chain([] {
    weft::yield();
    weft::sleep(1ms);
    weft::chan<int> c;
    weft::go([c] { c.send(1); });
    c.recv();
    weft::blocking([] {});
  });
}

TEST(frame_pointers, lead_to_the_bottom_of_a_stack_that_was_taken_over) {
  support::procs_scope one(1);
  for (int i = 0; i < 8; ++i) expect_whole_chain([] { weft::yield(); });
}

}  // namespace
