#include <weft/weft.h>

#include <array>

#include "row.h"

namespace weft::bench {
namespace {

// Select over two channels, as a loop that handles events writes it: cases are made for each turn.
long receive_any(const std::array<chan<long>, 2>& in) {
  auto a = on_recv(in[0]);
  auto b = on_recv(in[1]);
  select(a, b);
  if (a) return *a.take();
  return *b.take();
}

long receive_any(const std::array<chan<long>, 8>& in) {
  auto a = on_recv(in[0]);
  auto b = on_recv(in[1]);
  auto c = on_recv(in[2]);
  auto d = on_recv(in[3]);
  auto e = on_recv(in[4]);
  auto f = on_recv(in[5]);
  auto g = on_recv(in[6]);
  auto h = on_recv(in[7]);
  switch (select(a, b, c, d, e, f, g, h)) {
    case 0: return *a.take();
    case 1: return *b.take();
    case 2: return *c.take();
    case 3: return *d.take();
    case 4: return *e.take();
    case 5: return *f.take();
    case 6: return *g.take();
    default: return *h.take();
  }
}

template <std::size_t... i>
auto make_channels(std::size_t capacity, std::index_sequence<i...>) {
  return std::array{(static_cast<void>(i), chan<long>(capacity))...};
}

// One channel holds values, the others are empty; only the selects are timed.
template <std::size_t channels>
void ready(figures& f) {
  constexpr long filled = 1024, fills = 1000;
  const auto in = make_channels(filled, std::make_index_sequence<channels>());
  double ns = 0;
  long sum = 0;
  for (long k = 0; k < fills; ++k) {
    for (long i = 0; i < filled; ++i) in[static_cast<std::size_t>(k) % channels].send(i);
    const stopwatch selects;
    for (long i = 0; i < filled; ++i) sum += receive_any(in);
    ns += selects.ns();
  }
  f["value"] = sum == fills * (filled * (filled - 1) / 2) ? ns / (filled * fills) : -1;
}

// A goroutine that waits in a select answers whatever comes through one of its channels.
template <std::size_t channels>
void block(figures& f) {
  f["value"] = ns_per_round(1'000'000, [](long rounds) {
    const auto in = make_channels(0, std::make_index_sequence<channels>());
    chan<long> out;
    wait_group answering;
    answering.go([&] {
      for (long i = 0; i < rounds; ++i) out.send(receive_any(in));
    });
    for (long i = 0; i < rounds; ++i) {
      in[static_cast<std::size_t>(i) % channels].send(i);
      out.recv();
    }
    answering.wait();
  });
}

void none(figures& f) {
  const chan<long> one(1), two(1);
  f["value"] = ns_per_round(10'000'000, [&](long rounds) {
    for (long i = 0; i < rounds; ++i) {
      auto a = on_recv(one);
      auto b = on_recv(two);
      if (try_select(a, b)) return;
    }
  });
}

}  // namespace

std::vector<row> select_rows() {
  return {{"select2_ready", ready<2>}, {"select8_ready", ready<8>}, {"select2_block", block<2>}, {"select8_block", block<8>},
          {"select_none", none}};
}

}  // namespace weft::bench
