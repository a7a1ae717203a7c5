// Whole small programs whose answer is known: prime sieve, skynet, dining philosophers.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <memory>
#include <mutex>
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
  support::crew filters;
  const auto send_or_quit = [&](const weft::chan<int>& to, int v) {
    auto s = weft::on_send(to, v);
    auto quit = weft::on_done(ctx);
    return weft::select(s, quit) == 0;
  };
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
