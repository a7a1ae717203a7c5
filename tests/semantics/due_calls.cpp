// Functions of timers that are due at one time begin one after the other out of one block (sched/due_calls.h): each is a
// goroutine of its own all the same.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

using namespace std::chrono_literals;

class due_calls : public support::everywhere {};
WEFT_EVERYWHERE(due_calls);

namespace {

constexpr int many = 200;  // several blocks, and ids from several reservations

// Keeps the caller's processor from firing timers until all that were set are due.
void pass(weft::clock::duration time) {
  for (const auto end = weft::clock::now() + time; weft::clock::now() < end;) {}
}

}  // namespace

TEST_P(due_calls, each_is_called_once_by_a_goroutine_of_its_own) {
  here([&] {
    std::mutex lock;
    std::set<std::uint64_t> ids;
    std::vector<int> calls(many);
    weft::wait_group all;
    all.add(many);
    for (int i = 0; i < many; ++i)
      weft::after_func(100us, [&, i] {
        {
          const std::lock_guard hold(lock);
          EXPECT_TRUE(ids.insert(weft::goroutine_id()).second) << "two goroutines with one id";
          ++calls[static_cast<std::size_t>(i)];
        }
        all.done();
      });
    pass(1ms);
    all.wait();
    EXPECT_EQ(std::ranges::count(calls, 1), many);
  });
}

// A local value belongs to one goroutine: what the one before left on the stack or in its control block is gone.
TEST_P(due_calls, know_nothing_of_each_other) {
  static weft::local<int> mine;
  here([&] {
    weft::wait_group all;
    all.add(many);
    std::atomic<int> inherited = 0;
    for (int i = 0; i < many; ++i)
      weft::after_func(100us, [&, i] {
        if (*mine != 0) ++inherited;
        *mine = i + 1;
        if (i % 3 == 0) weft::yield();
        EXPECT_EQ(*mine, i + 1);
        all.done();
      });
    pass(1ms);
    all.wait();
    EXPECT_EQ(inherited, 0);
  });
}

TEST_P(due_calls, one_that_waits_for_the_last_holds_up_nobody) {
  here([&] {
    weft::wait_group all;
    weft::chan<void> last_ran;
    all.add(many);
    for (int i = 0; i < many; ++i)
      weft::after_func(100us, [&, i] {
        if (i == many - 1) last_ran.close();
        else if (i % 2 == 0) last_ran.recv();
        all.done();
      });
    pass(1ms);
    all.wait();
  });
}

TEST_P(due_calls, one_that_computes_on_holds_up_nobody) {
  here([&] {
    std::atomic<int> ran = 0;
    weft::wait_group all;
    all.add(many);
    for (int i = 0; i < many; ++i)
      weft::after_func(100us, [&, i] {
        const auto give_up = weft::clock::now() + support::stretched(20s);
        ++ran;
        while (i == 3 && ran != many && weft::clock::now() < give_up) {}
        all.done();
      });
    pass(1ms);
    all.wait();
    EXPECT_EQ(ran, many);
  });
}

// Where one processor has them all; of two kinds, in turns. The clock that deadlines are set by may be ahead by 8 µs
// (sched/deadline_clock.h), for one timer and not for the next. From a goroutine that the machine does not run for 10 ms the
// processor is taken, and others begin meanwhile: a round in which nobody has begun for half as long is not judged.
TEST(due_calls_on_one_processor, begin_in_the_order_of_their_deadlines) {
  weft::set_procs(1);
  weft::run([] {
    struct timing {
      weft::clock::time_point earliest, latest;  // its deadline
      weft::clock::time_point begun;
    };
    std::vector<timing> timings(many);
    std::vector<std::size_t> order(many);
    const auto is_undisturbed = [&] {
      std::atomic<std::size_t> begun = 0;
      weft::wait_group all;
      all.add(many);
      const auto note = [&](std::size_t i) {
        timings[i].begun = weft::clock::now();
        order[begun++] = i;
        all.done();
      };
      for (std::size_t i = 0; i < many; ++i) {
        const auto delay = std::chrono::microseconds(500 + i * 77 % many);
        timings[i].earliest = weft::clock::now() + delay;
        if (i % 7 < 4) weft::after_func(delay, [&, i] { note(i); });
        else weft::after_func(delay, [&, i, other_kind = 0L] { note(i + static_cast<std::size_t>(other_kind)); });
        timings[i].latest = weft::clock::now() + delay + 9us;
      }
      pass(2ms);
      all.wait();
      std::vector<weft::clock::time_point> beginnings;
      for (const timing& each : timings) beginnings.push_back(each.begun);
      std::ranges::sort(beginnings);
      for (std::size_t i = 1; i < many; ++i)
        if (beginnings[i] - beginnings[i - 1] > 5ms) return false;
      return true;
    };
    int rounds = 1;
    while (!is_undisturbed()) ASSERT_LT(++rounds, 100);
    for (std::size_t i = 1; i < many; ++i)
      EXPECT_LE(timings[order[i - 1]].earliest, timings[order[i]].latest) << order[i - 1] << " began before " << order[i];
  });
}

TEST_P(due_calls, a_timer_set_again_by_its_own_function_is_called_as_often) {
  here([&] {
    constexpr int rounds = 50, timers = 60;
    struct beat {
      std::unique_ptr<weft::timer> timer;
      std::atomic<int> calls = 0;
    };
    std::vector<beat> beats(timers);
    weft::wait_group all;
    all.add(timers * rounds);
    for (beat& b : beats) {
      b.timer = std::make_unique<weft::timer>(weft::after_func(1h, [&b, &all] {
        if (++b.calls < rounds) b.timer->reset(10us);
        all.done();
      }));
    }
    for (beat& b : beats) b.timer->reset(100us);
    pass(1ms);
    all.wait();
    for (const beat& b : beats) EXPECT_EQ(b.calls, rounds);
  });
}
