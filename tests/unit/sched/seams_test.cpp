// The seams that later layers build on: trace events, clock and randomness, the poller.
#include <array>
#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "sched/poller.h"
#include "sched/runnable.h"
#include "sched/seam.h"
#include "sched/timers.h"
#include "support/eventually.h"
#include "trace/trace.h"

namespace {

using namespace std::chrono_literals;
using weft::trace::event;

std::array<std::atomic<int>, 16> counts;

void count(event what, std::uint64_t, std::uint64_t) noexcept { counts[static_cast<unsigned>(what)].fetch_add(1); }
int seen(event what) { return counts[static_cast<unsigned>(what)].load(); }

TEST(trace, each_step_of_a_goroutines_life_is_emitted_and_nothing_when_off) {
  weft::trace::send_to(count);
  weft::run([] {
    weft::chan<int> ch;
    weft::go([ch] { ch.send(1); });
    ch.recv();
    weft::yield();
    weft::blocking([] {});
  });
  weft::trace::send_to(nullptr);
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

// A world that does as the scheduler does, with a clock and a generator of its own.
struct recording_world final : weft::sched::world {
  struct node : weft::sched::member {
    using member::member;
  };
  std::int64_t now_ns() noexcept override { return 1'000; }
  std::uint64_t random(std::uint64_t&) noexcept override { return 7; }
  weft::sched::timer_set& timers() noexcept override { return own_timers; }
  weft::sched::member& join(weft::sched::member&, const weft::detail::newborn& child) override {
    return *joined.emplace_back(std::make_unique<node>(*this, child.name));
  }
  std::uint64_t id_of(weft::sched::member&, std::uint64_t proposed) noexcept override { return proposed + 1'000'000; }
  void runnable_now(weft::sched::member&, weft::sched::runnable work) override { weft::sched::enqueue(work); }
  void parks(weft::sched::member&, weft::sched::wait_reason) override { ++parked; }
  void ends(weft::sched::member&) override { ++ended; }
  void escaped(weft::sched::member&, std::exception_ptr) override { ++thrown; }
  void point(weft::sched::member&, const char*, bool) override { ++points; }
  void waits_outside(weft::sched::member&, bool) noexcept override {}

  weft::sched::timer_set own_timers;
  std::vector<std::unique_ptr<node>> joined;
  std::atomic<int> parked{0}, ended{0}, thrown{0}, points{0};
};

TEST(seam, members_of_a_world_have_its_clock_randomness_and_ids_and_others_do_not) {
  static recording_world world;
  static recording_world::node first(world, "first");
  weft::run([] {
    std::uint64_t state = 1;
    weft::chan<void> done;
    std::atomic<std::uint64_t> child_id{0};
    weft::sched::begin_world();
    weft::sched::spawn_first(first, weft::detail::make_newborn([&] {
      EXPECT_EQ(weft::sched::now_ns(), 1'000);
      EXPECT_EQ(weft::sched::next_random(state), 7u);
      weft::go([&] {
        child_id = weft::goroutine_id();
        done.send();
      });
    }), nullptr);
    EXPECT_NE(weft::sched::now_ns(), 1'000);  // we are not in it
    done.recv();
    EXPECT_GT(child_id.load(), 1'000'000u);
    EXPECT_LT(weft::goroutine_id(), 1'000'000u);
    EXPECT_EQ(state, 1u);
    EXPECT_TRUE(support::eventually([] { return world.ended == 2; }));
    EXPECT_EQ(world.joined.size(), 1u);
    EXPECT_EQ(world.points, 0);  // nobody asked for them
    weft::sched::end_world();
  });
}

TEST(seam, an_exception_that_leaves_a_member_is_told_to_its_world) {
  static recording_world world;
  static recording_world::node first(world, "first");
  weft::sched::begin_world();
  weft::sched::spawn_first(first, weft::detail::make_newborn([] { throw 7; }), nullptr);
  EXPECT_TRUE(support::eventually([] { return world.ended == 1; }));
  EXPECT_EQ(world.thrown, 1);
  weft::sched::end_world();
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
    // An idle worker may happen to wait in the poller: then nobody else has to look. It leaves when it is woken.
    const int before = fake.polls.load();
    const auto end = weft::clock::now() + 20s;
    while (fake.polls.load() == before && weft::clock::now() < end) {
      fake.wake();
      weft::yield();
    }
    EXPECT_GT(fake.polls.load(), before);
    weft::chan<void> never_closed_here(1);
    weft::go([=] { never_closed_here.send(); });
    never_closed_here.recv();
  }, {.procs = 1});
}

}  // namespace
