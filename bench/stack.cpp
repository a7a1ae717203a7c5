// What stacks cost: the figures of docs/design/stacks.md. Each line is the median of five rounds, with the spread;
// times are CPU time.
//
//   cmake --preset release && cmake --build build/release --target weft
//   g++ -std=c++23 -O2 -Iinclude -Isrc bench/stack.cpp build/release/libweft.a -o stack_bench
//   ./stack_bench [stacks, default 100000]      WEFT_DEBUG=guard=mprotect ./stack_bench
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "stack/stack.h"

namespace {

using namespace weft::stack;

// CPU time, so that other work on the machine disturbs less.
double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

std::size_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  return 0;
}
std::size_t footprint() { return status_bytes("VmRSS") + status_bytes("VmPTE"); }

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

constexpr std::size_t rounds = 5;

struct series {
  const char* what;
  const char* unit = "ns each";
  std::array<double, rounds> values{};

  void print() {
    std::ranges::sort(values);
    std::printf("  %-58s %8.1f %s  (%.1f … %.1f)\n", what, values[rounds / 2], unit, values.front(), values.back());
  }
};

double time_each(std::size_t n, auto&& body) {
  const double start = now_ns();
  body();
  return (now_ns() - start) / static_cast<double>(n);
}

void touch(stack_ref s) { *static_cast<volatile std::byte*>(s.top - 8) = std::byte{1}; }

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  std::printf("%zu stacks of %zu KiB, guard: %s\n", n, default_size() / 1024, name_of(guard()));

  series hit{"acquire + release, cache hit"}, untouched{"acquire, never used before"},
      fresh{"acquire, never used before, and touch its top page"}, give{"release of so many"},
      again{"acquire, recycled from the depot, and touch its top page"}, walk{"for_each_live"},
      part{"trim(true), nine of ten free, per free stack"}, whole{"trim(true), all free"},
      bytes{"resident bytes + page tables, one page touched", "B each"}, vmas{"mappings added", "in all"},
      left{"resident after trim(true), of the peak", "%"};

  std::vector<stack_ref> stacks(n);
  std::vector<stack_ref*> ended;
  for (stack_ref& s : stacks) ended.push_back(&s);
  for (std::size_t round = 0; round < rounds; ++round) {
    cache mine;
    untouched.values[round] = time_each(n, [&] { for (stack_ref& s : stacks) s = mine.acquire(); });
    for (const stack_ref s : stacks) mine.release(s);
    mine.flush();
    trim(true);

    const std::size_t before = footprint(), base_resident = status_bytes("VmRSS"), mappings_before = mappings();
    fresh.values[round] = time_each(n, [&] { for (stack_ref& s : stacks) touch(s = mine.acquire()); });
    const std::size_t peak = status_bytes("VmRSS");
    bytes.values[round] = static_cast<double>(footprint() - before) / static_cast<double>(n);
    vmas.values[round] = static_cast<double>(mappings() - mappings_before);
    std::size_t seen = 0;
    walk.values[round] = time_each(n, [&] { for_each_live([&](std::byte*, std::byte*) { ++seen; }); });
    if (seen != n) std::printf("walked over %zu of %zu\n", seen, n);
    give.values[round] = time_each(n, [&] { for (const stack_ref s : stacks) mine.release(s); });
    again.values[round] = time_each(n, [&] { for (stack_ref& s : stacks) touch(s = mine.acquire()); });

    for (std::size_t i = 0; i < n; ++i)
      if (i % 10 != 0) mine.release(stacks[i]);
    mine.flush();
    part.values[round] = time_each(n * 9 / 10, [&] { trim(true); });
    for (std::size_t i = 0; i < n; ++i)
      if (i % 10 != 0) touch(stacks[i] = mine.acquire());
    for (const stack_ref s : stacks) mine.release(s);
    mine.flush();
    whole.values[round] = time_each(n, [&] { trim(true); });
    left.values[round] = 100.0 * static_cast<double>(status_bytes("VmRSS") - base_resident) / static_cast<double>(peak);

    constexpr std::size_t pairs = 20'000'000;
    hit.values[round] = time_each(pairs, [&] {
      for (std::size_t i = 0; i < pairs; ++i) {
        stack_ref s = mine.acquire();
        asm volatile("" : "+r"(s.base), "+r"(s.top));
        mine.release(s);
      }
    });
  }
  for (series* s : {&hit, &again, &give, &untouched, &fresh, &bytes, &vmas, &walk, &whole, &part, &left}) s->print();
}
