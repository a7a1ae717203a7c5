// Decides whether a claim held, from the figures of the runs and nothing else.
//
//   void verdict(judge& j) {
//     j.at_least("threads need more CPU time", j.ratio({kind::threads}, {kind::goroutines}, "cpu_s"), 1.5);
//   }
//
// A figure that is missing (the run was refused, timed out or failed) leaves its check undecided, and the reason is
// taken from that run. Checks against Go are left out when there is no Go: nobody claims anything about it then.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner.h"

namespace weft::lab {

struct check {
  enum class result { held, failed, undecided };
  std::string claim;
  std::string measured;  // "×2.3, claimed at least ×1.5"; undecided: why
  result answer;
};

// Names the figure of one run: its kind, form and what distinguishes it from its siblings.
struct run_key {
  kind who;
  std::string_view form = "";
  arguments extra = {};  // those that must match
};

// A figure, or why there is none.
struct measure {
  std::optional<double> value;
  std::string missing;
};

class judge {
 public:
  judge(const std::vector<outcome>& outcomes, arguments parameters)
      : outcomes_(outcomes), parameters_(std::move(parameters)) {}

  const outcome* find(const run_key& key) const;
  bool has(const run_key& key) const;  // was run and has figures
  long parameter(const std::string& name) const { return parameters_.at(name); }

  measure figure(const run_key& key, const std::string& figure) const;
  measure ratio(const run_key& above, const run_key& below, const std::string& figure) const;
  static measure ratio(const measure& above, const measure& below);

  // `shape` is a name whose end is the unit of the figure: "_x", "_s", "_bytes", …
  void at_least(std::string claim, const measure& m, double bound, std::string_view shape = "_x");
  void at_most(std::string claim, const measure& m, double bound, std::string_view shape = "_x");
  // The run did all that was asked for.
  void complete(std::string claim, const run_key& key);

  const std::vector<check>& checks() const { return checks_; }

 private:
  void decide(std::string claim, const measure& m, bool holds, const char* relation, double bound,
              std::string_view shape);

  const std::vector<outcome>& outcomes_;
  arguments parameters_;
  std::vector<check> checks_;
};

// All checks together: failed if one failed, undecided if one of the rest is, else held.
check::result overall(const std::vector<check>& checks);
const char* to_string(check::result);  // "held", "did not hold", "not decided"

}  // namespace weft::lab
