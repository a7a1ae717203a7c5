// The seams that later layers build on: trace events, clock and randomness, the poller.
#include <array>
#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "sched/poller.h"
#include "sched/seam.h"
#include "trace/trace.h"

namespace {

using namespace std::chrono_literals;
using weft::trace::event;

std::array<std::atomic<int>, 16> counts;

void count(event what, std::uint64_t, std::uint64_t) noexcept { counts[static_cast<unsigned>(what)].fetch_add(1); }
int seen(event what) { return counts[static_cast<unsigned>(what)].load(); }

TEST(trace, each_step_of_a_goroutines_life_is_emitted_and_nothing_when_off) {
  weft::trace::current_sink.store(count, weft::base::release);
  weft::run([] {
    weft::chan<int> ch;
    weft::go([ch] { ch.send(1); });
    ch.recv();
    weft::yield();
    weft::blocking([] {});
  });
  weft::trace::current_sink.store(nullptr, weft::base::release);
  EXPECT_EQ(seen(event::spawn), 2);
  EXPECT_EQ(seen(event::begin), 2);
  EXPECT_GE(seen(event::park), 1);
  EXPECT_GE(seen(event::ready), 1);
  EXPECT_GE(seen(event::resume), 1);
  EXPECT_GE(seen(event::yield), 1);
  EXPECT_EQ(seen(event::block), 1);
  EXPECT_EQ(seen(event::unblock), 1);
  const int spawned = seen(event::spawn);
  weft::run([] { weft::go([] {}); });
  EXPECT_EQ(seen(event::spawn), spawned);
}

std::atomic<std::int64_t> virtual_now{1'000};
const weft::sched::world world{[] { return virtual_now.load(); }, []() -> std::uint64_t { return 7; }};

TEST(seam, clock_and_randomness_come_from_the_installed_world) {
  std::uint64_t state = 1;
  weft::sched::installed_world.store(&world, weft::base::release);
  EXPECT_EQ(weft::sched::now_ns(), 1'000);
  EXPECT_EQ(weft::sched::next_random(state), 7u);
  EXPECT_EQ(state, 1u);
  weft::sched::installed_world.store(nullptr, weft::base::release);
  EXPECT_NE(weft::sched::now_ns(), 1'000);
}

// Says that something is armed and makes one goroutine runnable per look, as a real poller would.
class fake_poller final : public weft::sched::poller {
 public:
  weft::sched::ready_list wait(std::int64_t deadline_ns) override {
    while (!woken_.exchange(false) && weft::sched::now_ns() < deadline_ns) woken_.wait(false);
    return {};
  }
  weft::sched::ready_list poll() override {
    polls.fetch_add(1);
    return {};
  }
  void wake() override {
    woken_.store(true);
    woken_.notify_all();
  }
  [[nodiscard]] bool armed() const override { return true; }
  [[nodiscard]] bool awaited() const override { return true; }
  std::atomic<int> polls{0};

 private:
  std::atomic<bool> woken_{false};
};

TEST(poller, busy_processors_look_at_it_every_50_us_and_idle_ones_wait_in_it) {
  static fake_poller fake;
  weft::sched::register_poller(&fake);
  weft::run([] {
    const int before = fake.polls.load();
    for (const auto end = weft::clock::now() + 1ms; weft::clock::now() < end;) weft::yield();
    EXPECT_GE(fake.polls.load() - before, 1);
    weft::chan<void> never_closed_here(1);
    weft::go([=] { never_closed_here.send(); });
    never_closed_here.recv();
  });
}

}  // namespace
