#include <weft/weft.h>

#include "row.h"

namespace weft::bench {
namespace {

void spawn_all(figures& f) {
  constexpr long tasks = 1'000'000;
  const stopwatch all;
  wait_group group;
  for (long i = 0; i < tasks; ++i) group.go([] {});
  group.wait();
  f["value"] = all.ns() / tasks;
}

void spawn_one(figures& f) {
  f["value"] = ns_per_round(1'000'000, [](long rounds) {
    wait_group one;
    for (long i = 0; i < rounds; ++i) {
      one.go([] {});
      one.wait();
    }
  });
}

void skynet_node(const chan<long>& result, long first, long leaves) {
  if (leaves == 1) return result.send(first);
  chan<long> children;
  const long each = leaves / 10;
  for (long i = 0; i < 10; ++i) weft::go([=] { skynet_node(children, first + i * each, each); });
  long sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.recv();
  result.send(sum);
}

void skynet(figures& f) {
  constexpr long leaves = 1'000'000;
  const stopwatch all;
  chan<long> result;
  weft::go([=] { skynet_node(result, 0, leaves); });
  const long sum = *result.recv();
  f["value"] = sum == leaves * (leaves - 1) / 2 ? all.ns() / 1e6 : -1;
}

}  // namespace

std::vector<row> spawn_rows() { return {{"spawn_all", spawn_all}, {"spawn_one", spawn_one}, {"skynet", skynet}}; }

}  // namespace weft::bench
