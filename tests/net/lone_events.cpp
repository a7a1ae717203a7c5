// Events that come one at a time, with a processor idle: who woke for one runs it and is back in time for the next, and
// nobody is woken meanwhile (src/sched/idle.h, P4: the processor owes a watcher). Where it does not come back somebody is.
#include "net/pairs.h"
#include "sched/idle.h"
#include "sched/sharing.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
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

bool has_short_turns_here() {
  const weft::sched::runtime_scope inside;
  const weft::sched::processor* here = inside.processor();
  return here && weft::sched::has_short_turns(*here);
}

// A turn looks long when the kernel or the machine's host interrupts it, and until some short ones have followed somebody is
// woken for what may come meanwhile. So a round counts when turns were short before it and after each of its echoes: on a
// busy machine, too, that is so in most of them.
TEST_P(lone_events, wake_nobody_else) {
  constexpr int times = 50, enough = 20, most_rounds = 2000;
  support::on_goroutine([&] {
    support::tcp_pair pair = support::connected();
    weft::wait_group server;
    server.go([&] { echo(pair.server); });
    std::vector<std::uint64_t> woken;  // in each round that counts
    for (int rounds = 0; woken.size() < enough && rounds < most_rounds; ++rounds) {
      const std::uint64_t before = weft::sched::the.wakeups.load(weft::base::relaxed);
      bool counts = has_short_turns_here();
      for (int i = 0; i < times; ++i) {
        ask(pair.client, 1);
        counts &= has_short_turns_here();
      }
      const std::uint64_t count = weft::sched::the.wakeups.load(weft::base::relaxed) - before;
      if (counts) woken.push_back(count);
    }
    pair.client.close();
    server.wait();
    ASSERT_EQ(woken.size(), std::size_t{enough}) << "rounds of short turns among " << most_rounds;
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
