// `weft ps PID|CORE`: the goroutines of another process, from outside (inspect/snapshot.cpp tells how).
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <tuple>
#include <vector>

#include "command.h"
#include "inspect/layout.h"
#include "inspect/places.h"
#include "inspect/snapshot.h"
#include "inspect/target.h"
#include "words.h"

namespace weft::tool {
namespace {

struct ps_options {
  std::string who;
  std::string state_pattern;
  std::string order = "id";
  bool as_json = false, as_groups = false, with_symbols = true;
};

std::string state_text(const seen_goroutine& g) { return g.reason.empty() ? to_string(g.state) : g.reason; }

std::string age_text(const seen_goroutine& g) {
  if (g.reason.empty()) return "";
  const double seconds = static_cast<double>(g.waiting_ns) * 1e-9;
  char text[32];
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1e3);
  else if (seconds < 120)
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  else if (seconds < 7200)
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  else
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  return text;
}

// Rows of words, each column as wide as its widest; the last one is not padded.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(i + 1 == row.size() ? 0 : widths[i] - row[i].size() + 2, ' ');
      line += i == 0 ? padding.substr(std::min<std::size_t>(2, padding.size())) + row[i] + "  " : row[i] + padding;
    }
    std::printf("%s\n", line.c_str());
  }
}

void print_head(const target& process, const snapshot& seen) {
  std::printf("%s: %zu goroutines, %d processors (%d idle), %d workers (%d asleep)\n", process.title().c_str(),
              seen.alive, seen.processors, seen.idle_processors, seen.workers, seen.idle_workers);
}

void print_list(const std::vector<const seen_goroutine*>& chosen, places& where) {
  std::vector<std::vector<std::string>> rows{{"ID", "STATE", "FOR", "NAME", "STARTED BY"}};
  for (const seen_goroutine* g : chosen) {
    std::string state = state_text(*g), origin = to_string(where.of_return_address(g->start_site));
    if (g->thread != 0) state += ", thread " + std::to_string(g->thread);
    if (g->creator != 0) origin += " in goroutine " + std::to_string(g->creator);
    rows.push_back({std::to_string(g->id), state, age_text(*g), g->name, origin});
  }
  print_table(rows);
}

// Those that wait for the same kind of thing, have the same name and were started at the same place.
void print_groups(const std::vector<const seen_goroutine*>& chosen, places& where) {
  struct group {
    std::size_t count = 0;
    const seen_goroutine* oldest = nullptr;
  };
  std::map<std::tuple<std::string, std::string, std::uint64_t>, group> groups;
  for (const seen_goroutine* g : chosen) {
    group& home = groups[{state_text(*g), g->name, g->start_site}];
    ++home.count;
    if (!home.oldest || g->waiting_ns > home.oldest->waiting_ns) home.oldest = g;
  }
  std::vector<group> largest_first;
  for (const auto& [key, members] : groups) largest_first.push_back(members);
  std::ranges::sort(largest_first, [](const group& a, const group& b) {
    return std::tuple(b.count, a.oldest->id) < std::tuple(a.count, b.oldest->id);
  });
  std::vector<std::vector<std::string>> rows{{"COUNT", "STATE", "LONGEST", "OLDEST ID", "NAME", "STARTED BY"}};
  for (const group& members : largest_first) {
    const seen_goroutine& g = *members.oldest;
    rows.push_back({std::to_string(members.count), state_text(g), age_text(g), std::to_string(g.id), g.name,
                    to_string(where.of_return_address(g.start_site))});
  }
  print_table(rows);
}

nlohmann::ordered_json json_of(const seen_goroutine& g, places& where) {
  const code_place& place = where.of_return_address(g.start_site);
  nlohmann::ordered_json site{{"address", g.start_site}, {"module", place.module}, {"offset", place.offset}};
  if (!place.function.empty()) site["function"] = place.function;
  if (!place.file.empty()) site.update({{"file", place.file}, {"line", place.line}});
  nlohmann::ordered_json row{{"id", g.id}, {"state", to_string(g.state)}};
  if (!g.reason.empty()) row.update({{"reason", g.reason}, {"waiting_ns", g.waiting_ns}, {"waits_for", g.object}});
  if (g.thread != 0) row["thread"] = g.thread;
  if (!g.name.empty()) row["name"] = g.name;
  row.update({{"creator", g.creator}, {"started_by", std::move(site)}});
  return row;
}

void print_json(const target& process, const snapshot& seen, const std::vector<const seen_goroutine*>& chosen,
                places& where) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const seen_goroutine* g : chosen) rows.push_back(json_of(*g, where));
  const nlohmann::ordered_json report{{"of", process.title()},         {"alive", seen.alive},
                                      {"processors", seen.processors}, {"idle_processors", seen.idle_processors},
                                      {"workers", seen.workers},       {"idle_workers", seen.idle_workers},
                                      {"goroutines", std::move(rows)}};
  std::printf("%s\n", report.dump(1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

std::vector<const seen_goroutine*> choose(const snapshot& seen, const ps_options& options) {
  std::vector<const seen_goroutine*> chosen;
  const std::regex pattern(options.state_pattern, std::regex::icase | std::regex::nosubs);
  for (const seen_goroutine& g : seen.goroutines)
    if (std::regex_search(state_text(g), pattern)) chosen.push_back(&g);
  using row = const seen_goroutine*;
  if (options.order == "age")
    std::ranges::sort(chosen,
                      [](row a, row b) { return std::tuple(b->waiting_ns, a->id) < std::tuple(a->waiting_ns, b->id); });
  if (options.order == "name")
    std::ranges::sort(chosen, [](row a, row b) { return std::tie(a->name, a->id) < std::tie(b->name, b->id); });
  return chosen;
}

void show(const ps_options& options) {
  const auto process = open_target(options.who);
  const layout where(*process);
  const snapshot seen = take_snapshot(*process, where);
  const auto chosen = choose(seen, options);
  places where_code_is(*process, options.with_symbols);
  if (options.as_json) return print_json(*process, seen, chosen, where_code_is);
  print_head(*process, seen);
  if (chosen.empty())
    std::printf("no goroutine%s\n", options.state_pattern.empty() ? "" : " is in such a state");
  else if (options.as_groups)
    print_groups(chosen, where_code_is);
  else
    print_list(chosen, where_code_is);
}

}  // namespace

int ps_main(int argc, char** argv) {
  ps_options options;
  CLI::App app("Lists the goroutines of another process, or of a core file: state, how long, name, where started.",
               "weft ps");
  app.add_option("PID|CORE", options.who, "a process id, or a core file")->required();
  app.add_flag("--json", options.as_json, "print JSON");
  app.add_flag("--group", options.as_groups, "one line for all that are alike, the largest group first");
  app.add_option("--state", options.state_pattern,
                 "only those whose state or wait reason matches this regular expression")
      ->check([](const std::string& text) {
        try {
          return std::regex(text), std::string();
        } catch (const std::regex_error&) {
          return "not a regular expression: " + text;
        }
      });
  app.add_option("--sort", options.order, "id, age or name")->check(CLI::IsMember({"id", "age", "name"}));
  app.add_flag("!--no-symbols", options.with_symbols, "addresses instead of functions and lines: faster");
  app.footer("The process is not stopped. It must be of the same user, or you root.");
  if (auto status = parse_words(app, argc, argv, "PID|CORE [options]")) return *status;
  try {
    show(options);
  } catch (const inspection_error& problem) {
    std::fprintf(stderr, "weft ps: %s\n", problem.what());
    return exit_failed;
  }
  return 0;
}

}  // namespace weft::tool
