// weft-bench-rows ROW PROCS: measures one row once and prints its figures as one line of JSON.
#include <sys/resource.h>
#include <weft/runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "row.h"

namespace weft::bench {

double ns_per_round(long rounds, const std::function<void(long rounds)>& play) {
  play(rounds / 10 + 1);
  const stopwatch all;
  play(rounds);
  return all.ns() / static_cast<double>(rounds);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double memory_bytes() {
  double kib = 0;
  char line[256];
  std::FILE* status = std::fopen("/proc/self/status", "re");
  if (!status) return 0;
  while (std::fgets(line, sizeof line, status))
    if (std::strncmp(line, "VmRSS:", 6) == 0 || std::strncmp(line, "VmPTE:", 6) == 0) kib += std::atof(line + 6);
  std::fclose(status);
  return kib * 1024;
}

double quantile(std::vector<double>& samples, double percent) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(percent / 100 * static_cast<double>(samples.size() - 1) + 0.5)];
}

namespace {

const row* find_row(std::string_view name) {
  static const std::vector<row> all = [] {
    std::vector<row> rows;
    for (auto* some : {switch_rows, channel_rows, spawn_rows, mutex_rows, select_rows, timer_rows, sleeper_rows, lateness_rows,
                       memory_rows})
      for (const row& r : some()) rows.push_back(r);
    return rows;
  }();
  const auto found = std::ranges::find(all, name, &row::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  const row* chosen = argc == 3 ? find_row(argv[1]) : nullptr;
  const int procs = argc == 3 ? std::atoi(argv[2]) : 0;
  if (!chosen || procs < 1) {
    std::fprintf(stderr, "usage: weft-bench-rows ROW PROCS (see bench/README.md)\n");
    return 2;
  }
  figures measured;
  weft::run([&] { chosen->measure(measured); }, {.procs = procs});
  const char* separator = "{";
  for (const auto& [name, value] : measured) {
    std::printf("%s\"%s\":%.6g", separator, name.c_str(), value);
    separator = ",";
  }
  std::puts("}");
  std::fflush(stdout);
  std::_Exit(0);  // what is left to destroy is not measured
}
