// `weft bench`: reads the words, measures row by row, prints a line as soon as a row is done.
//
// Every sample is a process of its own. The contenders take turns, round by round, so that what else happens on the
// machine meets all of them; rows that are figures of one program are measured together.
#include "bench.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "contender.h"
#include "lab/machine.h"
#include "installation.h"
#include "rows.h"
#include "samples.h"
#include "words.h"

namespace weft::bench {
namespace {

struct order {
  std::vector<std::string> filter;
  std::vector<int> procs{1, 2};
  int rounds = 5;
  int timeout_s = 120;
  bool with_peers = false, without_go = false, as_json = false, list_only = false;
  std::string save_to;
};

// All samples of one program with one number of processors, by contender.
struct series {
  std::vector<std::vector<figures>> by_contender;

  std::vector<double> of(std::size_t who, std::string_view figure) const {
    std::vector<double> values;
    for (const figures& sample : by_contender[who])
      if (const auto at = sample.find(std::string(figure)); at != sample.end()) values.push_back(at->second);
    return values;
  }
};

series measure_all(const std::vector<contender>& all, std::string_view program, int procs, const order& o) {
  series got{std::vector<std::vector<figures>>(all.size())};
  for (int round = 0; round < o.rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t who = (i + static_cast<std::size_t>(round)) % all.size();  // nobody is always first
      if (all[who].program.empty()) continue;
      std::string complaint;
      got.by_contender[who].push_back(measure(all[who], program, procs, o.timeout_s, complaint));
      if (!complaint.empty()) std::fprintf(stderr, "weft bench: %s\n", complaint.c_str());
    }
  }
  return got;
}

std::string shown(double value) {
  char text[32];
  const int digits = value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

void print_heading(const std::vector<contender>& all) {
  std::printf("%-16s %5s %-6s", "row", "procs", "unit");
  for (const contender& who : all) std::printf(" %11s", who.name.c_str());
  std::printf(" %8s %7s %7s\n", "ratio", "spread", "wanted");
}

void print_row(const row& r, int procs, const series& got, const std::optional<comparison>& versus) {
  std::printf("%-16s %5d %-6s", std::string(r.name).c_str(), procs, std::string(r.unit).c_str());
  for (std::size_t who = 0; who < got.by_contender.size(); ++who) {
    const std::vector<double> values = got.of(who, r.figure);
    std::printf(" %11s", values.empty() ? "-" : shown(median(values)).c_str());
  }
  if (versus) std::printf(" %7sx %6.0f%%", shown(versus->ratio).c_str(), versus->spread * 100);
  else std::printf(" %8s %7s", "-", "-");
  const double wanted = r.wanted[procs == 1 ? 0 : 1];
  if (procs <= 2 && wanted > 0) std::printf(" %6sx%s", shown(wanted).c_str(), versus && versus->ratio < wanted ? "  short" : "");
  std::printf("\n");
  std::fflush(stdout);
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

nlohmann::json as_json(const row& r, int procs, const series& got, const std::optional<comparison>& versus) {
  const std::vector<double> own = got.of(0, r.figure);
  nlohmann::json line{{"row", r.name}, {"procs", procs}, {"unit", r.unit}};
  line["weft"] = own.empty() ? nlohmann::json() : nlohmann::json(rounded(median(own)));
  line["go"] = versus ? nlohmann::json(rounded(versus->go)) : nlohmann::json();
  line["ratio"] = versus ? nlohmann::json(rounded(versus->ratio)) : nlohmann::json();
  line["spread"] = versus ? nlohmann::json(rounded(versus->spread)) : nlohmann::json();
  return line;
}

std::string commit() {
  const tool::installation here = tool::find_installation();
  const std::string command = "git -C '" + here.source_dir.string() + "' describe --always --dirty --abbrev=12 2>/dev/null";
  char text[64] = "";
  if (std::FILE* pipe = ::popen(command.c_str(), "re")) {
    if (!std::fgets(text, sizeof text, pipe)) text[0] = '\0';
    ::pclose(pipe);
  }
  std::string id = text;
  while (id.ends_with('\n')) id.pop_back();
  return id.empty() ? "unknown" : id;
}

nlohmann::json circumstances(const std::vector<contender>& all) {
  const lab::machine here = lab::this_machine();
  nlohmann::json compilers;
  for (const contender& who : all)
    if (!who.program.empty()) compilers[who.name] = who.compiler;
  return {{"cpu", here.cpu}, {"cpus", here.cpus}, {"kernel", here.kernel}, {"compilers", compilers}, {"commit", commit()}};
}

void print_circumstances(const nlohmann::json& c) {
  std::fprintf(stderr, "%d x %s, %s; commit %s\n", c["cpus"].get<int>(), c["cpu"].get<std::string>().c_str(),
               c["kernel"].get<std::string>().c_str(), c["commit"].get<std::string>().c_str());
  for (const auto& [who, compiler] : c["compilers"].items())
    std::fprintf(stderr, "  %-12s %s\n", who.c_str(), compiler.get<std::string>().c_str());
}

std::vector<contender> build_contenders(const order& o) {
  std::vector<contender> all{weft_contender(),
                             o.without_go ? contender{.name = "Go", .compiler = {}, .program = {}, .missing = "--no-go"} : go_contender()};
  if (o.with_peers) {
    all.push_back(fiber_contender());
    all.push_back(thread_contender());
  }
  for (const contender& who : all)
    if (!who.missing.empty()) std::fprintf(stderr, "weft bench: without %s: %s\n", who.name.c_str(), who.missing.c_str());
  return all;
}

bool is_wanted(const row& r, const order& o) {
  return o.filter.empty() || std::ranges::find(o.filter, r.name) != o.filter.end();
}

// Measures one program and prints its rows; appends them to `lines`. False: weft has no figure for one of them.
bool run_program(std::string_view program, int procs, const std::vector<contender>& all, const order& o, nlohmann::json& lines) {
  std::vector<const row*> its;
  for (const row& r : rows())
    if (r.program == program && is_wanted(r, o) && (procs > 2 || r.wanted[procs - 1] > 0)) its.push_back(&r);
  if (its.empty()) return true;
  const series got = measure_all(all, program, procs, o);
  bool is_complete = true;
  for (const row* r : its) {
    const std::vector<double> own = got.of(0, r->figure);
    const auto versus = compare(own, got.of(1, r->figure));
    if (!o.as_json) print_row(*r, procs, got, versus);
    lines.push_back(as_json(*r, procs, got, versus));
    is_complete &= !own.empty();
  }
  return is_complete;
}

int run_rows(const order& o) {
  const std::vector<contender> all = build_contenders(o);
  if (all[0].program.empty()) return tool::exit_failed;
  const nlohmann::json where = circumstances(all);
  print_circumstances(where);
  if (!o.as_json) print_heading(all);
  nlohmann::json lines = nlohmann::json::array();
  bool is_complete = true;
  std::vector<std::string_view> programs;
  for (const row& r : rows())
    if (std::ranges::find(programs, r.program) == programs.end()) programs.push_back(r.program);
  for (std::string_view program : programs)
    for (int procs : o.procs) is_complete &= run_program(program, procs, all, o, lines);
  if (o.as_json) std::printf("%s\n", lines.dump(2).c_str());
  if (!o.save_to.empty()) {
    std::ofstream file(o.save_to);
    file << nlohmann::json{{"machine", where}, {"rounds", o.rounds}, {"rows", lines}}.dump(2) << '\n';
    if (!file.flush()) {
      std::fprintf(stderr, "weft bench: cannot write %s\n", o.save_to.c_str());
      return tool::exit_failed;
    }
  }
  return is_complete ? 0 : tool::exit_failed;
}

void list() {
  for (const row& r : rows())
    std::printf("%-16s %-6s %s\n", std::string(r.name).c_str(), std::string(r.unit).c_str(), std::string(r.what).c_str());
}

int bench_main(int argc, char** argv) {
  order o;
  CLI::App app(
      "Measures weft beside Go, row by row: both built and run here, in turns, at least five times each. The ratio says how\n"
      "many times better weft is; the spread is that of the ratios of single rounds. bench/README.md defines the rows.",
      "weft bench");
  app.add_option("--filter", o.filter, "only these rows, separated by commas")->delimiter(',');
  app.add_option("--procs", o.procs, "numbers of processors, separated by commas (default: 1,2)")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--rounds", o.rounds, "samples of each (default: 5)")->check(CLI::Range(1, 1000));
  app.add_option("--timeout", o.timeout_s, "seconds a single sample may take (default: 120)")->check(CLI::Range(1, 86400));
  app.add_flag("--peers", o.with_peers, "Boost.Fiber and OS threads too");
  app.add_flag("--no-go", o.without_go, "leave out Go: no ratios");
  app.add_flag("--json", o.as_json, "print an array of objects instead of the table");
  app.add_option("--save", o.save_to, "write rows, machine, compilers and commit into this file, as JSON");
  app.add_flag("--list", o.list_only, "list the rows, run nothing");
  if (auto status = tool::parse_words(app, argc, argv, "[--filter ROW,…] [options]")) return *status;
  if (o.list_only) {
    list();
    return 0;
  }
  for (const std::string& word : o.filter) {
    if (find_row(word)) continue;
    std::vector<std::string_view> known;
    for (const row& r : rows()) known.push_back(r.name);
    std::fprintf(stderr, "weft bench: unknown row '%s'%s\n`weft bench --list` lists the rows.\n", word.c_str(),
                 tool::did_you_mean(word, known).c_str());
    return tool::exit_usage;
  }
  return run_rows(o);
}

}  // namespace
}  // namespace weft::bench

int weft_bench_main(int argc, char** argv) { return weft::bench::bench_main(argc, argv); }
