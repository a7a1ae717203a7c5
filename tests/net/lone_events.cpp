// Events that come one at a time, with a processor idle: who woke for one runs it and is back in time for the next, and
// nobody is woken meanwhile (src/sched/idle.h, P4: the processor owes a watcher). Where it does not come back somebody is.
#include "net/pairs.h"
#include "sched/idle.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

void echo(weft::net::tcp_conn& conn) {
  std::array<char, 64> buffer;
  while (auto got = conn.read(buffer))
    if (*got == 0 || !conn.write(std::string_view(buffer.data(), *got))) return;
}

void ask(weft::net::tcp_conn& conn, int times) {
  std::array<char, 64> buffer;
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(conn.write("?"));
    ASSERT_EQ(conn.read(buffer).value_or(0), 1u);
  }
}

class lone_events : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(on, lone_events, testing::Values(2, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

// Whether the kernel leaves a thread its CPU for as long as a round takes. Asked between the rounds, when the only threads
// that could be in the way are strangers': within a round they would be our own too, those that were woken.
bool is_left_alone() {
  const auto interruptions = [] {
    rusage used;
    ::getrusage(RUSAGE_SELF, &used);
    return used.ru_nivcsw;
  };
  const long before = interruptions();
  const auto end = weft::clock::now() + 500us;
  while (weft::clock::now() < end) continue;
  return interruptions() == before;
}

// A turn that the kernel interrupts looks long, and until some short ones have followed somebody is woken for what may come
// meanwhile. So a round counts when there was peace before and after it, and begins when turns have been short for a while.
TEST_P(lone_events, wake_nobody_else) {
  constexpr int settling = 50, times = 50, enough = 20, most_rounds = 1000;
  support::on_goroutine([&] {
    support::tcp_pair pair = support::connected();
    weft::wait_group server;
    server.go([&] { echo(pair.server); });
    std::vector<std::uint64_t> woken;  // in each round that counts
    int rounds = 0;
    for (bool is_calm = is_left_alone(); woken.size() < enough && rounds < most_rounds; ++rounds) {
      ask(pair.client, settling);
      const std::uint64_t before = weft::sched::the.wakeups.load(weft::base::relaxed);
      ask(pair.client, times);
      const std::uint64_t count = weft::sched::the.wakeups.load(weft::base::relaxed) - before;
      const bool was_calm = std::exchange(is_calm, is_left_alone());
      if (was_calm && is_calm) woken.push_back(count);
    }
    pair.client.close();
    server.wait();
    if (woken.size() < enough)
      GTEST_SKIP() << "the machine is too busy: it left us alone around " << woken.size() << " of " << rounds << " rounds";
    std::ranges::sort(woken);
    EXPECT_LE(woken[enough / 2], std::uint64_t{times / 40}) << "wake-ups for " << times << " echoes";
  });
}

// What makes turns short, so that nobody watches; then one that computes until somebody else has had his turn, without
// ever coming back to the runtime.
template <class Somebody>
void compute_beside(Somebody has_his_turn) {
  support::tcp_pair pair = support::connected();
  weft::wait_group server;
  server.go([&] { echo(pair.server); });
  for (int round = 0; round < 10; ++round) {
    std::atomic<bool> had_his_turn{false};
    weft::wait_group other;
    other.go([&] { has_his_turn(had_his_turn); });
    ask(pair.client, 200);
    const auto limit = weft::clock::now() + support::stretched(20s);
    while (!had_his_turn && weft::clock::now() < limit) continue;
    EXPECT_TRUE(had_his_turn);
    other.wait();
  }
  pair.client.close();
  server.wait();
}

TEST_P(lone_events, do_not_wait_for_a_goroutine_that_computes_on) {
  support::tcp_pair line = support::connected();
  std::atomic<bool> is_over{false};
  support::crew outside(support::kind::plain_thread);
  outside.start([&] {  // a byte now and then, whenever that falls
    while (!is_over && line.client.write("!")) std::this_thread::sleep_for(2ms);
  });
  support::on_goroutine([&] {
    compute_beside([&](std::atomic<bool>& had_his_turn) {
      std::array<char, 1> byte;
      for (int i = 0; i < 3; ++i) ASSERT_EQ(line.server.read(byte).value_or(0), 1u);
      had_his_turn = true;
    });
  });
  is_over = true;
  line.server.close();
}

TEST_P(lone_events, do_not_keep_timers_waiting) {
  support::on_goroutine([] {
    compute_beside([](std::atomic<bool>& had_his_turn) {
      for (int i = 0; i < 3; ++i) weft::sleep(2ms);
      had_his_turn = true;
    });
  });
}

}  // namespace
