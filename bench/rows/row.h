// A row of `weft bench`: one program run measures it once and prints its figures. bench/README.md defines every row;
// bench/go/rows does the same work in Go, file by file, and bench/peers in other libraries.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weft::bench {

using figures = std::map<std::string, double>;  // the row's own figure is "value", or its name's last part

struct row {
  std::string_view name;
  void (*measure)(figures&);  // on a goroutine, with the processors asked for
};

// Each file of rows has one.
std::vector<row> switch_rows();
std::vector<row> channel_rows();
std::vector<row> spawn_rows();
std::vector<row> mutex_rows();
std::vector<row> select_rows();
std::vector<row> timer_rows();
std::vector<row> sleeper_rows();
std::vector<row> lateness_rows();
std::vector<row> memory_rows();

class stopwatch {
 public:
  [[nodiscard]] double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Plays a tenth of the rounds to warm up, then all of them: nanoseconds per round.
double ns_per_round(long rounds, const std::function<void(long rounds)>& play);

double cpu_seconds();     // user + system, of this process so far
double memory_bytes();    // resident pages and page tables of this process

// The value below which `percent` of the samples lie. Sorts them.
double quantile(std::vector<double>& samples, double percent);

}  // namespace weft::bench
