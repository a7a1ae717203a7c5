// What an experiment is: a claim, and the runs that decide it.
//
//   experiment spawn() {
//     return {.id = "e8", .name = "spawn", .title = "Spawn and join",
//             .what = "…", .claim = "…",
//             .parameters = {{"tasks", "empty tasks started and joined", 1'000'000, 100'000}},
//             .bodies = {{kind::threads, "", &run<os_threads>}, {kind::goroutines, "", &run<goroutines>}},
//             .plan = …, .columns = {{"spawn_ns", "each"}}, .charts = {…}, .judge = …};
//   }
//
// Every run of a body happens in a process of its own (runner.h): CPU time, peak memory and switches are those of the
// run alone. A body writes its figures on a sheet (sheet.h); the judge compares figures of different runs (judge.h); the
// columns and charts say which figures are shown. Figures are numbers with a name; the end of the name is the unit:
// _s, _ns, _bytes, _x (a ratio), _percent; no such end: a count.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weft::lab {

class sheet;
class judge;

enum class kind { plain, threads, pinned, goroutines, go };

std::string_view kind_name(kind who);  // "threads pinned"
std::string_view kind_word(kind who);  // "pinned": one word, for command lines

using arguments = std::map<std::string, long>;

struct parameter {
  std::string_view name;
  std::string_view help;
  long full;
  long quick;
};

// What runs, in a child process. Bodies of kind::goroutines are called on a goroutine; kind::go has none: bench/go has.
struct body {
  kind who;
  std::string_view form;
  void (*run)(sheet&);
};

// One run: which body, and with which arguments beside the parameters.
struct job {
  kind who;
  std::string form;
  arguments extra = {};
  std::string label = {};  // what the table calls it; empty: kind and form
};

struct column {
  std::string figure;
  std::string heading;
};

struct chart {
  enum class type { bars, stacked, lines, curve };
  type shape;
  std::string title;
  std::vector<std::string> figures;  // bars, stacked: one per colour. lines: the y axis. curve: the curve's name
  std::string x = {};                // lines: an argument; a line connects the jobs that differ in nothing else
  bool log = false;
};

struct experiment {
  std::string_view id;
  std::string_view name;
  std::string_view title;
  std::string_view what;
  std::string_view claim;
  std::vector<parameter> parameters;
  std::vector<body> bodies;
  std::vector<job> (*plan)(const arguments&);
  std::vector<column> columns;
  std::vector<chart> charts;
  void (*verdict)(judge&);
  // Runs that are short enough are made three times, in turn with their siblings, and the one with the lowest value of
  // this figure counts: what others do on the machine only ever makes it higher. Empty: made once.
  std::string best_by = {};

  const body* find_body(kind who, std::string_view form) const;
};

// All of them, in order.
const std::vector<experiment>& experiments();
const experiment* find_experiment(std::string_view word);  // by id or name; null: unknown

}  // namespace weft::lab
