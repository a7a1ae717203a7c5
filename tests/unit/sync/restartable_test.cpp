#include "sync/restartable.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <weft/weft.h>

namespace {

using weft::base::atomic;
using weft::base::relaxed;
namespace os = weft::os;

bool is_available() {
  weft::run([] {});  // the runtime has asked the kernel
  return os::rseq_area.load(relaxed) != 0;
}

TEST(restartable, stores_what_is_expected_and_nothing_else) {
  if (!is_available()) GTEST_SKIP() << "the kernel or the C library has no restartable sequences";
  atomic<std::uintptr_t> word{7};
  EXPECT_FALSE(weft::store_if_still(word, 6, 1));
  EXPECT_EQ(word.load(relaxed), 7u);
  EXPECT_TRUE(weft::store_if_still(word, 7, 1));
  EXPECT_EQ(word.load(relaxed), 1u);
}

// The owner takes and gives back the word without end; another thread leaves numbered notes in it. A note that has outlived a
// restart_all() is always seen by the owner: RS2. With restart_all() left out this fails.
TEST(restartable, a_note_that_outlives_a_restart_is_seen) {
  if (!is_available()) GTEST_SKIP() << "the kernel or the C library has no restartable sequences";
  constexpr std::uintptr_t held = 1, first_note = 2, notes = 5000;
  atomic<std::uintptr_t> word{0};
  std::atomic<std::uintptr_t> seen{0};
  std::atomic<bool> is_over{false};
  std::thread owner([&] {
    while (!is_over) {
      std::uintptr_t free = 0;
      word.compare_exchange_strong(free, held, weft::base::acquire, relaxed);
      if (weft::store_if_still(word, held, 0)) continue;
      if (const std::uintptr_t found = word.exchange(0, weft::base::acq_rel) & ~held) seen = found;
    }
  });
  bool is_lost = false;
  for (std::uintptr_t note = first_note; note < first_note * notes && !is_lost; note += first_note) {
    while (seen != note && !is_lost) {
      word.fetch_or(note, weft::base::acq_rel);
      weft::restart_all();
      if ((word.load(weft::base::acquire) & ~held) != note) continue;  // overwritten, or seen by now
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (seen != note && !is_lost) is_lost = std::chrono::steady_clock::now() > give_up;
    }
  }
  is_over = true;
  owner.join();
  EXPECT_FALSE(is_lost);
}

// RS3: more than one restart per 50 µs, 64 in a row, and stores are given up for 100 ms.
TEST(restartable, frequent_restarts_give_stores_up_for_a_while) {
  if (!is_available()) GTEST_SKIP() << "the kernel or the C library has no restartable sequences";
  atomic<std::uintptr_t> word{0};
  const auto can_store = [&] { return weft::store_if_still(word, 0, 0); };
  weft::allow_stores();
  ASSERT_TRUE(can_store());
  for (int i = 0; i < 100'000 && can_store(); ++i) weft::restart_all();
  ASSERT_FALSE(can_store());
  for (int i = 0; i < 1000 && !can_store(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    weft::restart_all();
  }
  EXPECT_TRUE(can_store());
}

}  // namespace
