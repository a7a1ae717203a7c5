// WEFT_DEBUG=heldlocks=1: who parks with a lock of the C library in hand.
#include "debug/dump_of.h"
#include "support/child.h"

#include <gtest/gtest.h>

#include <pthread.h>

#include <mutex>
#include <shared_mutex>

using namespace std::chrono_literals;
using support::run_child;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

std::mutex plain;
std::shared_mutex shared;

[[gnu::noinline]] void sleeps_with_a_lock() {
  std::lock_guard hold(plain);
  weft::sleep(1ms);
}
[[gnu::noinline]] void yields_the_lock_first() {
  { std::lock_guard hold(plain); }
  weft::sleep(1ms);
}
[[gnu::noinline]] void reads_and_waits() {
  std::shared_lock hold(shared);
  weft::after(1ms).recv();
}

WEFT_CHILD(parks_with_locks) {
  return weft::run([] {
    for (int i = 0; i < 3; ++i) sleeps_with_a_lock();
    yields_the_lock_first();
    reads_and_waits();
  });
}
TEST(held_locks, are_reported_once_for_each_place) {
  const auto child = run_child("parks_with_locks", {"WEFT_DEBUG=heldlocks=1"});
  EXPECT_EQ(child.exit_status, 0) << child;
  const std::string first = "parks [sleep] while it holds a lock of the C library:\nlocked by ";
  const std::size_t at = child.err.find(first);
  ASSERT_NE(at, child.err.npos) << child;
  EXPECT_EQ(child.err.find(first, at + 1), child.err.npos) << child;
  EXPECT_THAT(child.err, HasSubstr("parks [chan receive] while it holds a lock"));
  if (dumps::has_lines(child.err) && child.err.find("held_locks.cpp:") != child.err.npos) {
    EXPECT_THAT(child.err, HasSubstr("sleeps_with_a_lock()\n"));
    EXPECT_THAT(child.err, HasSubstr("reads_and_waits()\n"));
  }
  EXPECT_THAT(child.err, Not(HasSubstr("yields_the_lock_first")));
}
TEST(held_locks, are_not_looked_at_unless_asked_for) {
  EXPECT_THAT(run_child("parks_with_locks").err, IsEmpty());
}

}  // namespace
