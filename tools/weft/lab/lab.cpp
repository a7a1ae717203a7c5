// `weft lab`: reads the words, runs the chosen experiments one run after the other, shows and writes what came out.
#include "lab.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "echo_load.h"
#include "experiment.h"
#include "format.h"
#include "go_twin.h"
#include "progress.h"
#include "results.h"
#include "runner.h"
#include "words.h"

namespace weft::lab {
namespace {

struct order {
  std::vector<std::string> words;
  bool is_quick = false;
  bool as_json = false;
  bool list_only = false;
  std::string report_dir;
  bool without_go = false;
  double timeout_s = 0;  // 0: by --quick
  arguments sizes;       // given on the command line

  std::vector<const experiment*> chosen;
};

std::string lower(std::string word) {
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

int usage_error(const std::string& message) {
  std::fprintf(stderr, "weft lab: %s\n`weft lab --list` lists the experiments.\n", message.c_str());
  return tool::exit_usage;
}

// Fills in order::chosen. Returns an exit status unless 0.
int choose(order& o) {
  for (const std::string& given : o.words) {
    const std::string word = lower(given);
    const experiment* e = find_experiment(word);
    if (!e) {
      std::vector<std::string_view> known;
      for (const experiment& each : experiments()) known.insert(known.end(), {each.id, each.name});
      return usage_error("unknown experiment '" + given + "'" + tool::did_you_mean(word, known));
    }
    if (std::ranges::find(o.chosen, e) == o.chosen.end()) o.chosen.push_back(e);
  }
  if (o.words.empty()) {
    for (const experiment& e : experiments()) o.chosen.push_back(&e);
  }
  for (const auto& [name, value] : o.sizes) {
    const auto has = [&](const experiment* e) {
      return std::ranges::any_of(e->parameters, [&](const parameter& p) { return p.name == name; });
    };
    if (name != "threads-limit" && std::ranges::none_of(o.chosen, has))
      return usage_error("--" + name + " means nothing to the experiments chosen");
  }
  return 0;
}

void list() {
  for (const experiment& e : experiments()) {
    std::printf("%-4s %-11s %s\n", std::string(e.id).c_str(), std::string(e.name).c_str(),
                std::string(e.title).c_str());
    for (const parameter& p : e.parameters)
      std::printf("%17s--%-14s %s (%s; quick: %s)\n", "", std::string(p.name).c_str(), std::string(p.help).c_str(),
                  format("", static_cast<double>(p.full)).c_str(), format("", static_cast<double>(p.quick)).c_str());
  }
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", std::localtime(&now));
  return text;
}

arguments parameters_of(const experiment& e, const order& o) {
  arguments all{{"threads-limit", 0}};
  if (const auto given = o.sizes.find("threads-limit"); given != o.sizes.end()) all["threads-limit"] = given->second;
  for (const parameter& p : e.parameters) {
    const auto given = o.sizes.find(std::string(p.name));
    all[std::string(p.name)] = given != o.sizes.end() ? given->second : o.is_quick ? p.quick : p.full;
  }
  return all;
}

std::string command_for(const experiment& e, const order& o) {
  std::string command = "weft lab " + std::string(e.id) + (o.is_quick ? " --quick" : "");
  for (const auto& [name, value] : o.sizes) {
    const auto is_its = [&, wanted = name](const parameter& p) { return p.name == wanted; };
    if (name == "threads-limit" || std::ranges::any_of(e.parameters, is_its))
      command += " --" + name + ' ' + std::to_string(value);
  }
  return command;
}

// Of two runs of the same job, the one that counts.
const outcome& better(const outcome& a, const outcome& b, const std::string& best_by) {
  const auto value = [&](const outcome& o) {
    const auto at = o.figures.find(best_by);
    return o.has_figures() && at != o.figures.end() ? at->second : std::numeric_limits<double>::infinity();
  };
  return value(b) < value(a) ? b : a;
}

experiment_result run_experiment(const experiment& e, const order& o, bool with_go) {
  experiment_result result{&e, parameters_of(e, o), {}, {}, command_for(e, o)};
  std::vector<job> jobs = e.plan(result.parameters);
  if (!with_go) std::erase_if(jobs, [](const job& j) { return j.who == kind::go; });
  const run_limits limits{.timeout_s = o.timeout_s > 0 ? o.timeout_s : o.is_quick ? 30.0 : 300.0};
  std::string title(e.id);
  title[0] = 'E';
  progress_bar bar(title);
  stopwatch all;
  const std::size_t rounds = e.best_by.empty() ? 1 : 3;
  const auto steps = static_cast<double>(rounds * jobs.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const auto before = static_cast<double>(round * jobs.size() + i);
      outcome o = run_job(e, jobs[i], result.parameters, limits,
                          [&](double done) { bar.show((before + done) / steps, label(jobs[i])); });
      if (round == 0)
        result.outcomes.push_back(std::move(o));
      else
        result.outcomes[i] = better(result.outcomes[i], o, e.best_by);
    }
  }
  result.seconds = all.seconds();
  judge j(result.outcomes, result.parameters);
  e.verdict(j);
  result.checks = j.checks();
  return result;
}

bool write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) std::fprintf(stderr, "weft lab: cannot write %s\n", path.c_str());
  return static_cast<bool>(file);
}

bool write_report(const lab_result& all, const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    std::fprintf(stderr, "weft lab: cannot make %s: %s\n", folder.c_str(), failure.message().c_str());
    return false;
  }
  if (!write_file(folder / "report.html", as_html(all)) || !write_file(folder / "report.json", as_json(all)))
    return false;
  std::fprintf(stderr, "\nreport: %s (and report.json beside it)\n",
               std::filesystem::absolute(folder / "report.html").c_str());
  return true;
}

int run_all(const order& o) {
  lab_result all{.where = this_machine(),
                 .limits = limits_line(),
                 .load = load_line(),
                 .findings = tool::examine(),
                 .started_at = local_time(),
                 .go_missing = o.without_go ? "--no-go" : build_go_twin(),
                 .is_quick = o.is_quick,
                 .experiments = {}};
  if (!all.go_missing.empty() && !o.without_go) std::fprintf(stderr, "without Go: %s\n", all.go_missing.c_str());
  if (!all.load.empty()) std::fprintf(stderr, "%s\n", all.load.c_str());
  bool is_well = true;
  for (const experiment* e : o.chosen) {
    all.experiments.push_back(run_experiment(*e, o, all.go_missing.empty()));
    const experiment_result& done = all.experiments.back();
    if (!o.as_json) std::fputs(as_text(all, done).c_str(), stdout);
    std::fflush(stdout);
    is_well &= std::ranges::none_of(done.outcomes, [](const outcome& r) { return r.status == outcome::state::failed; });
  }
  if (o.as_json)
    std::fputs(as_json(all).c_str(), stdout);
  else if (o.chosen.size() > 1)
    std::fputs(summary_text(all).c_str(), stdout);
  std::fflush(stdout);
  if (!o.report_dir.empty()) is_well &= write_report(all, o.report_dir);
  return is_well ? 0 : tool::exit_failed;
}

// One option per parameter name; several experiments may share one.
void add_size_options(CLI::App& app, order& o) {
  std::set<std::string> names{"threads-limit"};
  const auto add = [&](const std::string& name, const std::string& help) {
    app.add_option_function<long>(
           "--" + name, [&o, name](const long& value) { o.sizes[name] = value; }, help)
        ->check(CLI::Range(1L, 100'000'000L))
        ->group("Sizes");
  };
  add("threads-limit", "never start more threads than this (default: what the machine allows)");
  for (const experiment& e : experiments()) {
    for (const parameter& p : e.parameters) {
      if (names.insert(std::string(p.name)).second) add(std::string(p.name), std::string(p.help));
    }
  }
}

int lab_main(int argc, char** argv) {
  order o;
  CLI::App app(
      "Runs experiments that check what is said about threads and goroutines, on this machine: real OS threads beside\n"
      "goroutines, and Go when it is found. All of them when none is named. Each run is a process of its own.",
      "weft lab");
  app.add_option("experiment", o.words, "e1 … e18 or a name, as --list shows them");
  app.add_flag("--quick", o.is_quick, "small sizes: all experiments within two minutes");
  app.add_option("--report", o.report_dir,
                 "write report.html and report.json into this folder (default: weft-lab-report)");
  app.add_flag("--json", o.as_json, "print JSON instead of tables; a report only with --report");
  app.add_flag("--list", o.list_only, "list the experiments and their sizes, run nothing");
  app.add_flag("--no-go", o.without_go, "leave out Go");
  app.add_option("--timeout", o.timeout_s, "seconds a single run may take (default: 300; quick: 30)")
      ->check(CLI::PositiveNumber);
  add_size_options(app, o);
  if (auto status = tool::parse_words(app, argc, argv, "[experiment…] [options]")) return *status;
  if (o.list_only) {
    list();
    return 0;
  }
  if (const int status = choose(o)) return status;
  if (o.report_dir.empty() && !o.as_json) o.report_dir = "weft-lab-report";
  return run_all(o);
}

}  // namespace
}  // namespace weft::lab

int weft_lab_main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--child") return weft::lab::child_main(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "--echo-load") return weft::lab::echo_load_main(argc, argv);
  return weft::lab::lab_main(argc, argv);
}
