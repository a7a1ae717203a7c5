// The rows of `weft bench` with OS threads: std::thread, std::mutex, std::condition_variable, on as many CPUs as there are
// processors elsewhere. Fewer rounds: a hand-over takes microseconds.
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "peer.h"

namespace {

using namespace std::chrono_literals;

// A bounded channel; capacity 0 is not offered by anything in the standard library, so round trips use capacity 1.
class queue {
 public:
  explicit queue(std::size_t capacity) : capacity_(capacity) {}
  void send(long value) {
    std::unique_lock hold(lock_);
    room_.wait(hold, [&] { return values_.size() < capacity_; });
    values_.push_back(value);
    some_.notify_one();
  }
  std::optional<long> recv() {
    std::unique_lock hold(lock_);
    some_.wait(hold, [&] { return !values_.empty() || closed_; });
    if (values_.empty()) return std::nullopt;
    const long value = values_.front();
    values_.pop_front();
    room_.notify_one();
    return value;
  }
  void close() {
    std::lock_guard hold(lock_);
    closed_ = true;
    some_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex lock_;
  std::condition_variable room_, some_;
  std::deque<long> values_;
  bool closed_ = false;
};

template <class F>
void together(int threads, F f) {
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(f);
  for (std::thread& t : all) t.join();
}

void yield(figures& f) {
  f["value"] = ns_per_round(200'000, [](long rounds) {
                 together(2, [=] {
                   for (long k = 0; k < rounds; ++k) ::sched_yield();
                 });
               }) / 2;
}

void pingpong(figures& f) {
  f["value"] = ns_per_round(20'000, [](long rounds) {
    queue there(1), back(1);
    std::thread partner([&] {
      while (there.recv()) back.send(1);
    });
    for (long i = 0; i < rounds; ++i) {
      there.send(1);
      back.recv();
    }
    there.close();
    partner.join();
  });
}

template <int pairs>
void through_buffer(figures& f) {
  f["value"] = ns_per_round(500'000, [](long items) {
    queue wire(128);
    std::thread receiving([&] {
      together(pairs, [&] {
        while (wire.recv()) {}
      });
    });
    together(pairs, [&] {
      for (long i = 0; i < items / pairs; ++i) wire.send(i);
    });
    wire.close();
    receiving.join();
  });
}

void spawn_one(figures& f) {
  f["value"] = ns_per_round(10'000, [](long rounds) {
    for (long i = 0; i < rounds; ++i) std::thread([] {}).join();
  });
}

void mutex_free(figures& f) {
  f["value"] = ns_per_round(20'000'000, [](long rounds) {
    std::mutex lock;
    for (long i = 0; i < rounds; ++i) std::lock_guard hold(lock);
  });
}

void mutex_contended(figures& f) {
  f["value"] = ns_per_round(16'000'000, [](long operations) {
    std::mutex lock;
    long counter = 0;
    together(8, [&] {
      for (long i = 0; i < operations / 8; ++i) {
        std::lock_guard hold(lock);
        ++counter;
      }
    });
  });
}

void late_loops(figures& f) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> loops;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
    loops.emplace_back([&] {
      while (!is_over.load(std::memory_order_relaxed)) {}
    });
  std::vector<double> late_ms;
  for (auto now = steady_clock::now(), end = now + 3s; now < end;) {
    const auto due = now + 1ms;
    std::this_thread::sleep_until(due);
    now = steady_clock::now();
    late_ms.push_back(std::chrono::duration<double, std::milli>(now - due).count());
  }
  is_over = true;
  for (std::thread& t : loops) t.join();
  f["p50"] = quantile(late_ms, 50);
  f["p99"] = quantile(late_ms, 99);
}

void wakeup(figures& f) {
  queue wire(1);
  std::vector<double> took_us;
  std::thread receiver([&] {
    while (auto sent = wire.recv())
      took_us.push_back(std::chrono::duration<double, std::micro>(steady_clock::now().time_since_epoch()).count() -
                        static_cast<double>(*sent) / 1e3);
  });
  for (int i = 0; i < 2000; ++i) {
    std::this_thread::sleep_for(1ms);
    wire.send(std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count());
  }
  wire.close();
  receiver.join();
  f["p50"] = quantile(took_us, 50);
  f["p99"] = quantile(took_us, 99);
}

// Keeps this process on the first `wanted` of its CPUs.
void use_cpus(int wanted) {
  cpu_set_t usable, kept;
  CPU_ZERO(&kept);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&kept) < wanted; ++cpu)
    if (CPU_ISSET(cpu, &usable)) CPU_SET(cpu, &kept);
  ::sched_setaffinity(0, sizeof kept, &kept);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) use_cpus(std::max(1, std::atoi(argv[2])));
  return measure_row(argc, argv, {{"yield", yield}, {"pingpong", pingpong}, {"spsc", through_buffer<1>}, {"mpmc", through_buffer<4>},
                                  {"spawn_one", spawn_one}, {"mutex_free", mutex_free}, {"mutex_contended", mutex_contended},
                                  {"late_loops", late_loops}, {"wakeup", wakeup}});
}
