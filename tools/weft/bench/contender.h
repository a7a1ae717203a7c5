// Those who are measured: weft, Go, and the peers. Each is a program that takes a row and a number of processors, measures
// the row once, and prints its figures as a line of JSON.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weft::bench {

using figures = std::map<std::string, double>;

struct contender {
  std::string name;      // "weft", "Go", "Boost.Fiber", "threads"
  std::string compiler;  // version, for the record
  std::string program;   // path; empty: not there
  std::string missing;   // why
};

// Each builds what it needs; `missing` says why it could not.
contender weft_contender();
contender go_contender();
contender fiber_contender();
contender thread_contender();

// Runs the program once, in a process of its own. Empty: it does not have this row. A row that fails or takes longer
// than `timeout_s` ends up in `complaint`.
figures measure(const contender& who, std::string_view program_row, int procs, int timeout_s, std::string& complaint);

}  // namespace weft::bench
