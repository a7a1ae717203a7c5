// Runs one job in a process of its own and collects what it measured and what the kernel says it used.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "experiment.h"

namespace weft::lab {

struct outcome {
  enum class state {
    ok,
    limited,  // fewer than asked for; the note names the limit
    refused,  // could not run at all; the note says why
    timed_out,
    failed,  // died; the note is what it said last
  };
  job what;
  state status = state::failed;
  std::string note;
  std::map<std::string, double> figures;
  std::map<std::string, std::vector<std::pair<double, double>>> curves;

  bool has_figures() const { return status == state::ok || status == state::limited; }
};

const char* to_string(outcome::state);

// What every outcome has, beside the figures of its body:
//   user_s, sys_s, cpu_s      CPU time of the process
//   peak_bytes, page_table_bytes, peak_reserved_bytes, peak_threads    memory is resident pages and page tables
//   base_bytes                memory before the body began
//   peak_each_bytes           peak_bytes beyond that, divided among "tasks" where the body says how many
//   voluntary, involuntary, switches    context switches by the kernel, and both together
struct run_limits {
  double timeout_s = 300;
};
using progress_listener = std::function<void(double done)>;  // 0 … 1

outcome run_job(const experiment& e, const job& what, const arguments& parameters, run_limits limits,
                const progress_listener& progress);

// The child's side: `weft lab --child e8 threads/form tasks=1000 …`. Returns the exit status.
int child_main(int argc, char** argv);

}  // namespace weft::lab
