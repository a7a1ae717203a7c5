#include <weft/weft.h>

#include "row.h"

namespace weft::bench {
namespace {

void pingpong(figures& f) {
  f["value"] = ns_per_round(1'000'000, [](long rounds) {
    chan<int> there, back;
    wait_group partner;
    partner.go([&] {
      for (int ball : there) back.send(ball);
    });
    for (long i = 0; i < rounds; ++i) {
      there.send(1);
      back.recv();
    }
    there.close();
    partner.wait();
  });
}

// `items` values through one buffered channel, from so many producers to so many consumers.
void through_buffer(long items, int producers, int consumers) {
  chan<long> queue(128);
  wait_group sending, receiving;
  for (int c = 0; c < consumers; ++c)
    receiving.go([&] {
      while (queue.recv()) {}
    });
  for (int p = 0; p < producers; ++p)
    sending.go([&] {
      for (long i = 0; i < items / producers; ++i) queue.send(i);
    });
  sending.wait();
  queue.close();
  receiving.wait();
}

void spsc(figures& f) {
  f["value"] = ns_per_round(5'000'000, [](long items) { through_buffer(items, 1, 1); });
}
void mpmc(figures& f) {
  f["value"] = ns_per_round(5'000'000, [](long items) { through_buffer(items, 4, 4); });
}

}  // namespace

std::vector<row> channel_rows() { return {{"pingpong", pingpong}, {"spsc", spsc}, {"mpmc", mpmc}}; }

}  // namespace weft::bench
