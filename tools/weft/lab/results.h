// What a call of `weft lab` found out.
#pragma once

#include <string>
#include <vector>

#include "doctor.h"
#include "experiment.h"
#include "judge.h"
#include "machine.h"
#include "runner.h"

namespace weft::lab {

struct experiment_result {
  const experiment* what;
  arguments parameters;
  std::vector<outcome> outcomes;
  std::vector<check> checks;
  std::string command;  // that repeats it
  double seconds = 0;

  check::result verdict() const { return overall(checks); }
};

struct lab_result {
  machine where;
  std::string limits;                   // one line
  std::string load;                     // a warning when others use the machine; empty: they do not
  std::vector<tool::finding> findings;  // all that `weft doctor` says
  std::string started_at;               // local time
  std::string go_missing;               // why there are no Go figures; empty: there are
  bool is_quick = false;
  std::vector<experiment_result> experiments;
};

std::string label(const job& what);  // "goroutines, channel"
std::string limits_line();
std::string load_line();
std::string sizes_line(const arguments& parameters);

// For the terminal.
std::string as_text(const lab_result& all, const experiment_result& one);
std::string summary_text(const lab_result& all);

// For programs, and the page: one file, opens without a network.
std::string as_json(const lab_result& all);
std::string as_html(const lab_result& all);

}  // namespace weft::lab
