// Where the body of an experiment writes what it measured. Lives in the child process.
//
//   void run(sheet& s) {
//     const long tasks = s.argument("tasks");
//     stopwatch all;
//     …
//     s.set("elapsed_s", all.seconds());
//   }
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "experiment.h"
#include "proc_status.h"

namespace weft::lab {

using clock = std::chrono::steady_clock;

class stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }
  double ns() const { return seconds() * 1e9; }

 private:
  clock::time_point start_ = clock::now();
};

// How far the run is, read by the parent for its progress bar: one page shared by both processes, the child's fd 3.
inline constexpr int progress_fd = 3;
struct shared_progress {
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> total;
};

class sheet {
 public:
  sheet(arguments given, shared_progress* progress) : arguments_(std::move(given)), progress_(progress) {}

  long argument(std::string_view name) const;  // aborts when the experiment has no such parameter

  void set(std::string_view figure, double value) { figures_[std::string(figure)] = value; }

  // Quantiles of `samples`: figures NAME_p50_s, _p99_s, _p999_s, _max_s, and the curve NAME for a chart. Seconds.
  void set_quantiles(const std::string& name, std::vector<double> samples);

  // Less than what was asked for was run; `reason` names the limit and what to raise.
  void limited(std::string reason);

  // Nothing could be run; `reason` says why.
  void refused(std::string reason);

  // What another process wrote on its sheet (to_json), but for its own memory.
  void adopt(const std::string& json);

  void note(std::string text) { note_ = std::move(text); }

  // How many of `wanted` threads may exist beside those that do, by the machine's limits and --threads-limit. Fewer:
  // the run is limited() by whatever allows least.
  long threads_allowed(long wanted);
  // How many of `wanted` tasks of this size fit the free memory; fewer: the run is limited().
  long memory_allows(long wanted, double bytes_each);
  // The kernel refused a thread although the limits seemed to allow it.
  void thread_refused(long started, int error);

  // Progress, in steps of the body's own choosing.
  void expect(long steps) { progress_->total.store(static_cast<std::uint64_t>(steps), std::memory_order_relaxed); }
  void step() { progress_->done.fetch_add(1, std::memory_order_relaxed); }

  std::string to_json() const;

 private:
  arguments arguments_;
  std::map<std::string, double> figures_;
  std::map<std::string, std::vector<std::pair<double, double>>> curves_;
  std::string status_ = "ok";
  std::string note_;
  shared_progress* progress_;
};

}  // namespace weft::lab
