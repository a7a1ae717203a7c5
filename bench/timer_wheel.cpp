// The timing wheel against a plain 4-ary heap of (deadline, pointer), the usual alternative. See docs/design/timers.md.
//
//     g++ -std=c++23 -O2 -Isrc -Iinclude bench/timer_wheel.cpp src/sched/{wheel,soonest,timer_heap}.cpp src/base/fatal.cpp -o timer_wheel
//     ./timer_wheel
//
// add, fire: n timers at random within a second, then all fire while the clock jumps from deadline to deadline, at least
// 20 µs at a time. reset: n deadlines 30 s ahead that never come; the oldest is removed and added again with a later one.
// "scattered": the timers lie in memory in another order than that of adding. Medians, ns per timer.
#include "sched/wheel.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "os/clock.h"

namespace {

using weft::os::monotonic_ns;
using weft::sched::timer_node;
using weft::sched::wheel;
constexpr std::int64_t second = 1'000'000'000;

// As large as a timer_node, and it promises the same: removal from the middle, first come first served.
struct heap_timer {
  heap_timer* next;
  std::size_t index;
  std::uint64_t order;
  char rest[32];
};

class four_ary_heap {
 public:
  explicit four_ary_heap(std::size_t capacity) { entries_.reserve(capacity); }

  [[gnu::noinline]] void add(heap_timer& timer, std::int64_t when) {
    timer.order = ++added_;
    entries_.emplace_back();
    rise(entries_.size() - 1, {when, &timer});
  }
  [[gnu::noinline]] void remove(heap_timer& timer) {
    const std::size_t hole = timer.index;
    const entry last = entries_.back();
    entries_.pop_back();
    if (hole == entries_.size()) return;
    if (hole > 0 && before(last, entries_[(hole - 1) / 4]))
      rise(hole, last);
    else
      sink(hole, last);
  }
  [[gnu::noinline]] heap_timer* expire(std::int64_t now) {
    heap_timer* first = nullptr;
    heap_timer** tail = &first;
    while (!entries_.empty() && entries_[0].when <= now) {
      *tail = entries_[0].timer;
      tail = &entries_[0].timer->next;
      const entry last = entries_.back();
      entries_.pop_back();
      if (!entries_.empty()) sink(0, last);
    }
    *tail = nullptr;
    return first;
  }
  std::int64_t next_due() const { return entries_.empty() ? wheel::never : entries_[0].when; }

 private:
  struct entry {
    std::int64_t when;
    heap_timer* timer;
  };
  static bool before(const entry& a, const entry& b) {
    return a.when != b.when ? a.when < b.when : a.timer->order < b.timer->order;
  }
  void place(std::size_t at, entry e) {
    entries_[at] = e;
    e.timer->index = at;
  }
  void rise(std::size_t hole, entry e) {
    for (; hole > 0 && before(e, entries_[(hole - 1) / 4]); hole = (hole - 1) / 4)
      place(hole, entries_[(hole - 1) / 4]);
    place(hole, e);
  }
  void sink(std::size_t hole, entry e) {
    for (std::size_t child; (child = 4 * hole + 1) < entries_.size();) {
      std::size_t least = child;
      for (const std::size_t end = std::min(child + 4, entries_.size()); child < end; ++child)
        if (before(entries_[child], entries_[least])) least = child;
      if (!before(entries_[least], e)) break;
      place(hole, entries_[least]);
      hole = least;
    }
    place(hole, e);
  }
  std::vector<entry> entries_;
  std::uint64_t added_ = 0;
};

double median(std::vector<double>& samples) {
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2), samples.end());
  return samples[samples.size() / 2];
}

template <class Queue, class Timer>
void measure(const char* name, std::size_t n, bool is_scattered) {
  std::mt19937_64 random(42);
  auto timers = std::make_unique<Timer[]>(n);
  std::vector<Timer*> order;
  std::vector<std::int64_t> delay(n);
  for (std::size_t i = 0; i < n; ++i) order.push_back(&timers[i]);
  if (is_scattered) std::shuffle(order.begin(), order.end(), random);
  for (auto& d : delay) d = static_cast<std::int64_t>(random() % second);
  const auto per = [](std::int64_t from, std::int64_t to, std::size_t count) {
    return static_cast<double>(to - from) / static_cast<double>(count);
  };

  std::vector<double> add, fire, reset;
  for (int round = 0; round < (n > 100'000 ? 7 : 300); ++round) {
    Queue queue(n);
    const std::int64_t start = 5 * second;
    queue.expire(start);
    const std::int64_t t0 = monotonic_ns();
    for (std::size_t i = 0; i < n; ++i) queue.add(*order[i], start + delay[i]);
    const std::int64_t t1 = monotonic_ns();
    std::int64_t now = start;
    for (std::size_t fired = 0; fired < n;) {
      now = std::max(now + 20'000, queue.next_due());
      for (Timer* t = queue.expire(now); t != nullptr; t = t->next) ++fired;
    }
    const std::int64_t t2 = monotonic_ns();

    std::int64_t deadline = now + 30 * second;
    for (Timer* t : order) queue.add(*t, deadline += 100);
    const std::size_t resets = std::max<std::size_t>(n, 100'000);
    const std::int64_t t3 = monotonic_ns();
    for (std::size_t i = 0; i < resets; ++i) {
      queue.remove(*order[i % n]);
      queue.add(*order[i % n], deadline += 100);
    }
    const std::int64_t t4 = monotonic_ns();
    for (Timer* t : order) queue.remove(*t);
    add.push_back(per(t0, t1, n));
    fire.push_back(per(t1, t2, n));
    reset.push_back(per(t3, t4, resets));
  }
  std::printf("%-6s %8zu timers %-9s  add %4.0f  fire %4.0f   reset %4.0f\n", name, n,
              is_scattered ? "scattered" : "in order", median(add), median(fire), median(reset));
}

class wheel_queue : public wheel {
 public:
  explicit wheel_queue(std::size_t) {}
};

}  // namespace

int main() {
  for (std::size_t n : {1'000, 100'000, 1'000'000}) {
    for (bool is_scattered : {false, true}) {
      measure<wheel_queue, timer_node>("wheel", n, is_scattered);
      measure<four_ary_heap, heap_timer>("heap", n, is_scattered);
    }
  }
}
