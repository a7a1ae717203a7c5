#include <weft/weft.h>

#include <atomic>

#include "row.h"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

// A goroutine that wants to wake every millisecond, beside an endless loop per processor.
void late_loops(figures& f) {
  constexpr clock::duration period = 1ms, run = 3s;
  std::atomic<bool> is_over{false};
  wait_group loops;
  for (int i = 0; i < procs(); ++i)
    loops.go([&] {
      while (!is_over.load(std::memory_order_relaxed)) {}  // never calls into the runtime
    });
  std::vector<double> late_ms;
  for (auto now = clock::now(), end = now + run; now < end;) {
    const auto due = now + period;
    sleep_until(due);
    now = clock::now();
    late_ms.push_back(std::chrono::duration<double, std::milli>(now - due).count());
  }
  is_over = true;
  loops.wait();
  f["p50"] = quantile(late_ms, 50);
  f["p99"] = quantile(late_ms, 99);
}

// An idle machine: somebody wakes, sends, and sleeps again; how soon does the receiver run?
void wakeup(figures& f) {
  constexpr int sends = 2000;
  chan<clock::time_point> wire(1);
  std::vector<double> took_us;
  wait_group receiver;
  receiver.go([&] {
    for (auto sent : wire) took_us.push_back(std::chrono::duration<double, std::micro>(clock::now() - sent).count());
  });
  for (int i = 0; i < sends; ++i) {
    sleep(1ms);
    wire.send(clock::now());
  }
  wire.close();
  receiver.wait();
  f["p50"] = quantile(took_us, 50);
  f["p99"] = quantile(took_us, 99);
}

}  // namespace

std::vector<row> lateness_rows() { return {{"late_loops", late_loops}, {"wakeup", wakeup}}; }

}  // namespace weft::bench
