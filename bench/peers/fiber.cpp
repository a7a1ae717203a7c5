// The rows of `weft bench` with Boost.Fiber. With one processor the default round-robin scheduler; with more, its
// work-stealing scheduler on as many threads.
#include <atomic>
#include <boost/fiber/all.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "peer.h"

namespace {

namespace fibers = boost::fibers;
using fibers::fiber;
using unbuffered = fibers::unbuffered_channel<long>;
using buffered = fibers::buffered_channel<long>;

void join(std::vector<fiber>& all) {
  for (fiber& f : all) f.join();
}

void yield(figures& f) {
  f["value"] = ns_per_round(1'000'000, [](long rounds) {
                 std::vector<fiber> both;
                 for (int i = 0; i < 2; ++i)
                   both.emplace_back([=] {
                     for (long k = 0; k < rounds; ++k) boost::this_fiber::yield();
                   });
                 join(both);
               }) / 2;
}

void pingpong(figures& f) {
  f["value"] = ns_per_round(500'000, [](long rounds) {
    unbuffered there, back;
    fiber partner([&] {
      for (long ball : there) back.push(ball);
    });
    for (long i = 0; i < rounds; ++i) {
      there.push(1);
      back.value_pop();
    }
    there.close();
    partner.join();
  });
}

template <int pairs>
void through_buffer(figures& f) {
  f["value"] = ns_per_round(2'000'000, [](long items) {
    buffered wire(128);
    std::vector<fiber> sending, receiving;
    for (int p = 0; p < pairs; ++p)
      receiving.emplace_back([&] {
        for ([[maybe_unused]] long item : wire) {}
      });
    for (int p = 0; p < pairs; ++p)
      sending.emplace_back([&] {
        for (long i = 0; i < items / pairs; ++i) wire.push(i);
      });
    join(sending);
    wire.close();
    join(receiving);
  });
}

void spawn_all(figures& f) {
  // Dispatched: each runs as it is made. A million that wait for their turn would each need a stack.
  constexpr long tasks = 1'000'000;
  f["value"] = ns_per_round(tasks, [](long rounds) {
    long ended = 0;
    for (long i = 0; i < rounds; ++i) fiber(boost::fibers::launch::dispatch, [&] { ++ended; }).detach();
    while (ended < rounds) boost::this_fiber::yield();
  });
}

void spawn_one(figures& f) {
  f["value"] = ns_per_round(300'000, [](long rounds) {
    for (long i = 0; i < rounds; ++i) fiber([] {}).join();
  });
}

void mutex_free(figures& f) {
  f["value"] = ns_per_round(10'000'000, [](long rounds) {
    fibers::mutex lock;
    for (long i = 0; i < rounds; ++i) std::lock_guard hold(lock);
  });
}

void mutex_contended(figures& f) {
  f["value"] = ns_per_round(8'000'000, [](long operations) {
    fibers::mutex lock;
    long counter = 0;
    std::vector<fiber> all;
    for (int g = 0; g < 8; ++g)
      all.emplace_back([&] {
        for (long i = 0; i < operations / 8; ++i) {
          std::lock_guard hold(lock);
          ++counter;
        }
      });
    join(all);
  });
}

// Runs `f` with as many threads sharing their fibers by stealing.
void with_threads(unsigned threads, const std::function<void()>& f) {
  if (threads == 1) return f();
  fibers::mutex lock;
  fibers::condition_variable_any over;
  bool is_over = false;
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads; ++i)
    helpers.emplace_back([&] {
      fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(threads);
      std::unique_lock hold(lock);
      over.wait(hold, [&] { return is_over; });
    });
  fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(threads);
  f();
  {
    std::unique_lock hold(lock);
    is_over = true;
  }
  over.notify_all();
  for (std::thread& t : helpers) t.join();
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void(figures&)>> rows = {
      {"yield", yield}, {"pingpong", pingpong}, {"spsc", through_buffer<1>}, {"mpmc", through_buffer<4>}, {"spawn_all", spawn_all},
      {"spawn_one", spawn_one}, {"mutex_free", mutex_free}, {"mutex_contended", mutex_contended}};
  int status = 0;
  with_threads(argc == 3 ? static_cast<unsigned>(std::max(1, std::atoi(argv[2]))) : 1,
               [&] { status = measure_row(argc, argv, rows); });
  return status;
}
