// Whole small programs whose answer is known: prime sieve, skynet, dining philosophers, Santa Claus,
// the sleeping barber, cigarette smokers. (Power series have a file of their own.)
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

class classics : public testing::TestWithParam<int> {
 protected:
  support::procs_scope procs_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(on, classics, testing::Values(1, 2, 8), [](const auto& info) {
  return std::to_string(info.param) + "_processors";
});

namespace {

// One goroutine per prime, each dropping the multiples of its own.
int nth_prime(int n) {
  auto ctx = weft::with_cancel(weft::background());
  weft::chan<int> candidates;
  const auto send_or_quit = [&](const weft::chan<int>& to, int v) {
    auto s = weft::on_send(to, v);
    auto quit = weft::on_done(ctx);
    return weft::select(s, quit) == 0;
  };
  support::crew filters;
  filters.start([&, candidates] {
    for (int i = 2; send_or_quit(candidates, i); ++i) continue;
  });
  for (weft::chan<int> in = candidates;;) {
    const int prime = *in.recv();
    if (--n == 0) {
      ctx.cancel();
      return prime;
    }
    weft::chan<int> out;
    filters.start([&, in, out, prime] {
      for (;;) {
        auto r = weft::on_recv(in);
        auto quit = weft::on_done(ctx);
        if (weft::select(r, quit) == 1) return;
        const auto v = r.take();
        if (*v % prime != 0 && !send_or_quit(out, *v)) return;
      }
    });
    in = out;
  }
}

void skynet(weft::sender<long> answer, long number, long size) {
  if (size == 1) return answer.send(number);
  weft::chan<long> children;
  for (long i = 0; i < 10; ++i) weft::go(skynet, weft::sender<long>(children), number + i * (size / 10), size / 10);
  long sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.recv();
  answer.send(sum);
}

}  // namespace

TEST_P(classics, prime_sieve_finds_the_200th_prime) { EXPECT_EQ(nth_prime(200), 1223); }

TEST_P(classics, skynet_of_a_hundred_thousand_sums_up) {
  weft::chan<long> answer;
  weft::go(skynet, weft::sender<long>(answer), 0L, 100'000L);
  EXPECT_EQ(answer.recv(), 4'999'950'000L);
}

TEST_P(classics, philosophers_all_dine) {
  constexpr std::size_t seats = 7;
  std::vector<std::unique_ptr<weft::mutex>> forks;
  for (std::size_t i = 0; i < seats; ++i) forks.push_back(std::make_unique<weft::mutex>());
  std::vector<int> meals(seats);
  support::crew goroutines, threads(support::kind::plain_thread);
  for (std::size_t i = 0; i < seats; ++i) {
    (i % 3 == 0 ? threads : goroutines).start([&, i] {
      for (int k = 0; k < 300; ++k) {
        std::scoped_lock both(*forks[i], *forks[(i + 1) % seats]);
        ++meals[i];
        if (k % 8 == 0) weft::yield();
      }
    });
  }
  goroutines.join();
  threads.join();
  for (int m : meals) EXPECT_EQ(m, 300);
}

namespace {

// The north pole: members come one by one to the door of their kind, wait there until their group is complete, and go again
// once Santa has served it. Everybody goes home when `closing_time` closes.
struct north_pole {
  using member = weft::chan<void>;  // Santa sends when he is done with it
  using party = std::vector<member>;
  weft::chan<void> closing_time;

  void gather(weft::chan<member> door, weft::chan<party> santa, std::size_t size) const {
    for (party waiting;;) {
      auto next = weft::on_recv(door);
      auto home = weft::on_recv(closing_time);
      if (weft::select(next, home) == 1) return;
      waiting.push_back(*next.take());
      if (waiting.size() < size) continue;
      auto complete = weft::on_send(santa, std::exchange(waiting, {}));
      if (weft::select(complete, home) == 1) return;
    }
  }
  void live(weft::chan<member> door, int& served) const {
    const member me;
    while (true) {
      auto knock = weft::on_send(door, me);
      auto done = weft::on_recv(me);
      auto home = weft::on_recv(closing_time);
      if (weft::select(knock, home) == 1 || weft::select(done, home) == 1) return;
      ++served;
    }
  }
};

}  // namespace

// Santa Claus (J. A. Trono, 1994): he sleeps until all nine reindeer are back, or three of ten elves need him; if both wait,
// the reindeer go first. Each group is served as a whole.
TEST_P(classics, santa_serves_whole_groups_and_reindeer_first) {
  constexpr std::size_t reindeer = 9, elves = 10, group = 3;
  constexpr int years = 30, least_consultations = 100;
  north_pole pole;
  weft::chan<north_pole::member> back_from_holiday, stuck;
  weft::chan<north_pole::party> sleigh, study;
  std::vector<int> flights(reindeer), questions(elves);
  support::crew everybody;
  everybody.start([&] { pole.gather(back_from_holiday, sleigh, reindeer); });
  everybody.start([&] { pole.gather(stuck, study, group); });
  for (int& served : flights) everybody.start([&] { pole.live(back_from_holiday, served); });
  for (int& served : questions) everybody.start([&] { pole.live(stuck, served); });
  int deliveries = 0, consultations = 0;
  while (deliveries < years || consultations < least_consultations) {
    auto wagon = weft::on_recv(sleigh);
    auto question = weft::on_recv(study);
    if (!weft::try_select(wagon)) weft::select(wagon, question);
    const auto members = *(wagon ? wagon.take() : question.take());
    ASSERT_EQ(members.size(), wagon ? reindeer : group);
    ++(wagon ? deliveries : consultations);
    for (const auto& member : members) member.send();
  }
  pole.closing_time.close();
  everybody.join();
  for (int n : flights) EXPECT_EQ(n, deliveries);  // every reindeer, every time
  EXPECT_EQ(std::accumulate(questions.begin(), questions.end(), 0), 3 * consultations);
}

// The sleeping barber (Dijkstra, 1965): who finds no free chair leaves; who sits down is shaved, in order of arrival.
TEST_P(classics, barber_shaves_everybody_who_found_a_chair_in_order) {
  constexpr int customers = 300;
  struct customer {
    int ticket;
    weft::chan<void> shaved;
  };
  weft::chan<customer> chairs(3);
  weft::mutex door;
  std::atomic<int> left{0}, pretty{0};
  int tickets = 0;  // guarded by door
  support::crew barber, street;
  barber.start([&] {
    int next = 0;
    for (const auto& c : chairs) {
      EXPECT_EQ(c.ticket, next++);
      weft::yield();
      c.shaved.send();
    }
  });
  for (int i = 0; i < customers; ++i) {
    street.start([&, i] {
      for (int k = 0; k < i % 7; ++k) weft::yield();
      weft::chan<void> shaved;
      {
        std::lock_guard entering(door);
        if (!chairs.try_send(customer{tickets, shaved})) {
          ++left;
          return;
        }
        ++tickets;
      }
      shaved.recv();
      ++pretty;
    });
  }
  street.join();
  chairs.close();
  barber.join();
  EXPECT_EQ(pretty, tickets);
  EXPECT_EQ(pretty + left, customers);
  EXPECT_GE(pretty, 3);
}

// Cigarette smokers (S. S. Patil, 1971): the agent lays two of three ingredients; only who has the third may smoke.
TEST_P(classics, smokers_smoke_in_the_order_of_the_agent) {
  constexpr std::size_t kinds = 3;
  weft::mutex table;
  weft::cond laid, taken;
  std::optional<std::size_t> missing;  // guarded by table, as are the two below
  std::vector<std::size_t> order, smoked;
  bool is_over = false;
  support::crew smokers;
  for (std::size_t mine = 0; mine < kinds; ++mine) {
    smokers.start([&, mine] {
      std::unique_lock at(table);
      while (true) {
        laid.wait(at, [&] { return is_over || missing == mine; });
        if (is_over) return;
        smoked.push_back(mine);
        missing.reset();
        taken.notify_one();
      }
    });
  }
  {
    std::unique_lock at(table);
    for (std::size_t i = 0; i < 500; ++i) {
      missing = (i * i + i / 3) % kinds;
      order.push_back(*missing);
      laid.notify_all();
      taken.wait(at, [&] { return !missing; });
    }
    is_over = true;
    laid.notify_all();
  }
  smokers.join();
  EXPECT_EQ(smoked, order);
}
