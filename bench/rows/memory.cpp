#include <weft/weft.h>

#include "row.h"

namespace weft::bench {
namespace {

void parked_million(figures& f) {
  constexpr long tasks = 1'000'000;
  const double before = memory_bytes();
  chan<void> end;
  wait_group arrived, all;
  arrived.add(tasks);
  for (long i = 0; i < tasks; ++i)
    all.go([&] {
      arrived.done();
      end.recv();
    });
  arrived.wait();
  yield();  // the last one parks
  f["value"] = (memory_bytes() - before) / tasks;
  end.close();
  all.wait();
}

}  // namespace

std::vector<row> memory_rows() { return {{"parked_million", parked_million}}; }

}  // namespace weft::bench
