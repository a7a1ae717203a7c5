// What the row programs of the peers share: the command line and the figures, as in bench/rows, without weft.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

using std::chrono::steady_clock;
using figures = std::map<std::string, double>;

inline double ns_per_round(long rounds, const std::function<void(long)>& play) {
  play(rounds / 10 + 1);
  const auto start = steady_clock::now();
  play(rounds);
  return std::chrono::duration<double, std::nano>(steady_clock::now() - start).count() / static_cast<double>(rounds);
}

inline double quantile(std::vector<double>& samples, double percent) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(percent / 100 * static_cast<double>(samples.size() - 1) + 0.5)];
}

inline void print(const figures& measured) {
  const char* separator = "{";
  for (const auto& [name, value] : measured) {
    std::printf("%s\"%s\":%.6g", separator, name.c_str(), value);
    separator = ",";
  }
  std::puts("}");
}

// Exit status 2: there is no such row here.
inline int measure_row(int argc, char** argv, const std::map<std::string, std::function<void(figures&)>>& rows) {
  const auto chosen = argc == 3 ? rows.find(argv[1]) : rows.end();
  if (chosen == rows.end()) return 2;
  figures measured;
  chosen->second(measured);
  print(measured);
  return 0;
}
