// What the kernel alone takes for e2 and e3: a million sleepers of a second, a hundred thousand of 100 ms, where everything
// but their stacks costs nothing. A sleeper has a stack from when it begins until it wakes; a free one is used again for
// nothing, a new one is a page and, below it, a guard, 59 pages from the next as weft's are, 32 of a kind to a system call.
// A runtime that gives each goroutine such a stack, and gets it by these calls, has that to pay; docs/design/performance.md
// sets weft's and Go's time beside it.
//
//   g++ -std=c++23 -O2 bench/sleeper_floor.cpp -o sleeper_floor && ./sleeper_floor [threads, default 1] [rounds, default 5]
//
// Needs Linux 6.14 (guards: 6.13). Prints medians of the rounds, in turns; the address space is given back after each.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

constexpr int guard_install = 102, populate_write = 23, pidfd_of_self = -10001;  // may be too new for the headers
constexpr std::size_t page = 4096, slot_pages = 59, guard_pages = 3, batch = 32;

struct row {
  const char* name;
  std::size_t sleepers;
  clock::duration sleep;
};

void advise(std::array<iovec, batch>& ranges, int advice) {
  std::size_t wanted = 0;
  for (const iovec& range : ranges) wanted += range.iov_len;
  const long treated = syscall(SYS_process_madvise, pidfd_of_self, ranges.data(), batch, advice, 0);
  if (treated == static_cast<long>(wanted)) return;
  if (treated < 0)
    std::perror("process_madvise (Linux 6.14 is needed)");
  else
    std::fprintf(stderr, "process_madvise treated %ld bytes of %zu: is there memory for a million pages?\n", treated,
                 wanted);
  std::exit(1);
}

void open_batch(char* slots, bool guarded) {
  std::array<iovec, batch> ranges;
  for (std::size_t i = 0; i < batch; ++i) ranges[i] = {slots + i * slot_pages * page, guard_pages * page};
  if (guarded) advise(ranges, guard_install);
  for (std::size_t i = 0; i < batch; ++i) ranges[i] = {slots + ((i + 1) * slot_pages - 1) * page, page};
  advise(ranges, populate_write);
}

// The time at which the last sleeper wakes. `made` is the number of stacks.
clock::time_point put_to_sleep(std::size_t sleepers, clock::duration sleep, bool guarded, std::size_t& made) {
  const std::size_t bytes = (sleepers + batch) * slot_pages * page;
  void* const slots = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slots == MAP_FAILED || madvise(slots, bytes, MADV_NOHUGEPAGE) != 0) {
    std::perror("mmap");
    std::exit(1);
  }
  std::vector<clock::time_point> wakes;  // a batch each
  std::size_t free = 0, woken = 0;
  made = 0;
  for (std::size_t begun = 0; begun < sleepers; begun += batch) {
    const auto now = clock::now();
    for (; woken < wakes.size() && wakes[woken] <= now; ++woken) free += batch;
    if (free != 0) {
      free -= batch;
    } else {
      open_batch(static_cast<char*>(slots) + made * slot_pages * page, guarded);
      made += batch;
    }
    wakes.push_back(clock::now() + sleep);
  }
  std::this_thread::sleep_until(wakes.back());
  const auto end = clock::now();
  munmap(slots, bytes);
  return end;
}

struct result {
  double seconds;
  double stacks;
};

result run(const row& r, std::size_t threads, bool guarded) {
  std::vector<std::size_t> made(threads);
  std::vector<clock::time_point> ends(threads);
  const auto start = clock::now();
  {
    std::vector<std::jthread> all;
    for (std::size_t t = 0; t < threads; ++t)
      all.emplace_back([&, t] { ends[t] = put_to_sleep(r.sleepers / threads, r.sleep, guarded, made[t]); });
  }
  double stacks = 0;
  for (const std::size_t m : made) stacks += static_cast<double>(m);
  return {std::chrono::duration<double>(*std::ranges::max_element(ends) - start).count(), stacks};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const auto threads = static_cast<std::size_t>(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1);
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 5;
  for (const row& r : {row{"e2", 1'000'000, 1s}, row{"e3", 100'000, 100ms}}) {
    std::array<std::vector<double>, 2> seconds, stacks;
    for (int round = 0; round < rounds; ++round) {
      for (const bool guarded : {true, false}) {
        const result once = run(r, threads, guarded);
        seconds[guarded].push_back(once.seconds);
        stacks[guarded].push_back(once.stacks);
      }
    }
    for (const bool guarded : {true, false})
      std::printf("%s, %zu threads, %-14s %8.3f s, %.0f stacks\n", r.name, threads,
                  guarded ? "page and guard" : "page alone", median(seconds[guarded]), median(stacks[guarded]));
  }
}
