#include <weft/weft.h>

#include "row.h"

namespace weft::bench {
namespace {

void yield(figures& f) {
  const double round = ns_per_round(2'000'000, [](long rounds) {
    wait_group both;
    for (int i = 0; i < 2; ++i)
      both.go([rounds] {
        for (long k = 0; k < rounds; ++k) weft::yield();
      });
    both.wait();
  });
  f["value"] = round / 2;
}

}  // namespace

std::vector<row> switch_rows() { return {{"yield", yield}}; }

}  // namespace weft::bench
