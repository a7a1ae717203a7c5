#include "rows.h"

#include <algorithm>

namespace weft::bench {
namespace {

constexpr row all_rows[] = {
    {"yield", "yield", "value", "ns", {10, 8}, "yield between two goroutines"},
    {"pingpong", "pingpong", "value", "ns", {5, 4}, "unbuffered channel round trip"},
    {"spsc", "spsc", "value", "ns", {3, 3}, "buffered channel, one producer, one consumer, per item"},
    {"mpmc", "mpmc", "value", "ns", {2.5, 2.5}, "buffered channel, four producers, four consumers, per item"},
    {"spawn_all", "spawn_all", "value", "ns", {18, 4}, "spawn a million, then join, each"},
    {"spawn_one", "spawn_one", "value", "ns", {8, 6}, "spawn one, join one"},
    {"skynet", "skynet", "value", "ms", {7, 5}, "10-way tree of goroutines, a million leaves"},
    {"mutex_free", "mutex_free", "value", "ns", {1, 1}, "uncontended lock and unlock"},
    {"mutex_contended", "mutex_contended", "value", "ns", {1.2, 2}, "eight goroutines, tiny section, per operation"},
    {"select2_ready", "select2_ready", "value", "ns", {3, 3}, "select, one of 2 channels ready"},
    {"select8_ready", "select8_ready", "value", "ns", {4, 4}, "select, one of 8 channels ready"},
    {"select2_block", "select2_block", "value", "ns", {3.5, 3.5}, "round trip through a blocking select over 2"},
    {"select8_block", "select8_block", "value", "ns", {3.5, 3.5}, "round trip through a blocking select over 8"},
    {"select_none", "select_none", "value", "ns", {3, 3}, "non-blocking select over 2, none ready"},
    {"timer_stop", "timer_stop", "value", "ns", {4, 4}, "create and stop a timer"},
    {"timers_million", "timers_million", "value", "ns", {6, 6}, "a million timers within a second, CPU time each"},
    {"timers_late_p50", "timers_million", "late_p50_us", "us", {1, 1}, "... how late they ran, median"},
    {"timers_late_p99", "timers_million", "late_p99_us", "us", {1, 1}, "... and 99th percentile"},
    {"e1", "e1", "value", "s", {4, 4}, "10,000 sleepers, a thousand naps each, CPU time"},
    {"e2", "e2", "value", "s", {1.6, 1.6}, "a million sleep one second"},
    {"e3", "e3", "value", "ms", {1.7, 1.7}, "100,000 sleep 100 ms"},
    {"late_loops_p50", "late_loops", "p50", "ms", {100, 100}, "1 ms sleeper beside a loop per processor, lateness"},
    {"late_loops_p99", "late_loops", "p99", "ms", {20, 20}, "... 99th percentile"},
    {"wakeup_p50", "wakeup", "p50", "us", {0, 2}, "send to receiver running, idle machine"},
    {"wakeup_p99", "wakeup", "p99", "us", {0, 3}, "... 99th percentile"},
    {"parked_million", "parked_million", "value", "bytes", {0.6, 0.6}, "memory per parked goroutine"},
};

}  // namespace

std::span<const row> rows() { return all_rows; }

const row* find_row(std::string_view name) {
  const auto found = std::ranges::find(all_rows, name, &row::name);
  return found == std::end(all_rows) ? nullptr : found;
}

}  // namespace weft::bench
