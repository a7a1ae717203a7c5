// `weft stack PID|CORE [GOROUTINE…]`: the stacks of another process's goroutines, in the form of Go's dumps.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "command.h"
#include "debug/frames_text.h"
#include "debug/symbols.h"
#include "inspect/layout.h"
#include "inspect/places.h"
#include "inspect/snapshot.h"
#include "inspect/stacks.h"
#include "inspect/target.h"
#include "words.h"

namespace weft::tool {
namespace {

struct stack_options {
  std::string who;
  std::vector<std::uint64_t> ids;
  bool as_json = false, one_by_one = false, with_runtime = false;
};

struct shown {
  const seen_goroutine* g = nullptr;
  seen_stack stack;
};

std::string age_text(std::int64_t ns) {  // as Go: whole minutes, from one on
  const std::int64_t minutes = ns / 60'000'000'000;
  return minutes < 1 ? "" : ", " + std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
}

std::string state_text(const seen_goroutine& g) {
  return g.reason.empty() ? to_string(g.state) : g.reason + age_text(g.waiting_ns);
}

class printer {
 public:
  printer(target& process, const stack_options& options)
      : names_(process.whose_addresses()), places_(process, true), with_runtime_(options.with_runtime) {}

  // All frames, inlined ones too, innermost first.
  std::vector<debug::source_frame> frames_of(const seen_stack& stack) {
    std::vector<debug::source_frame> all;
    for (std::size_t i = 0; i < stack.pcs.size(); ++i) {
      for (debug::source_frame frame : names_.frames(stack.pcs[i], i != 0)) {
        if (frame.function.empty()) frame.function = to_string(places_.of_return_address(stack.pcs[i]));
        all.push_back(std::move(frame));
      }
    }
    std::vector<const debug::source_frame*> frames;
    for (const debug::source_frame& f : all) frames.push_back(&f);
    const auto hidden = with_runtime_ ? debug::hidden_frames::none : debug::hidden_frames::both_ends;
    const auto [first, last] = debug::choose_shown(frames, stack.end, hidden);
    return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)};
  }

  const std::string& text_of(const seen_stack& stack) {
    const auto [entry, is_new] = texts_.try_emplace(stack.pcs);
    if (!is_new) return entry->second;
    std::string& text = entry->second;
    for (const debug::source_frame& f : frames_of(stack)) {
      char offset[32];
      std::snprintf(offset, sizeof offset, " +0x%" PRIx64 "\n", f.offset);
      text += f.function + '\n';
      if (f.file.empty()) continue;
      text += '\t' + f.file;
      if (f.line != 0) text += ':' + std::to_string(f.line);
      text += f.is_inlined ? " (inlined)\n" : offset;
    }
    if (stack.end == debug::walk_end::cut) text += "...additional frames elided...\n";
    else if (!stack.pcs.empty() && !stack.is_whole()) text += "\t... (its callers are not known)\n";
    return text;
  }

  void print(const std::vector<shown>& alike) {
    const seen_goroutine& g = *alike[0].g;
    std::printf("\ngoroutine %" PRIu64 " [%s]:%s%s\n", g.id, state_text(g).c_str(), g.name.empty() ? "" : " ",
                g.name.c_str());
    if (alike.size() > 1) print_others(alike);
    const seen_stack& stack = alike[0].stack;
    if (!stack.problem.empty()) std::printf("\t%s\n", stack.problem.c_str());
    std::fputs(text_of(stack).c_str(), stdout);
    const code_place& origin = places_.of_return_address(g.start_site);
    if (g.creator == 0 && origin.function.starts_with("weft::")) return;  // the main goroutine, by weft::run
    std::printf("created by %s", origin.function.empty() ? to_string(origin).c_str() : origin.function.c_str());
    if (g.creator != 0) std::printf(" in goroutine %" PRIu64, g.creator);
    std::printf("\n");
    if (!origin.file.empty()) std::printf("\t%s:%d\n", origin.file.c_str(), origin.line);
  }

 private:
  static void print_others(const std::vector<shown>& alike) {
    constexpr std::size_t most = 8;
    std::printf("and %zu more with the same stack:", alike.size() - 1);
    for (std::size_t i = 1; i < alike.size() && i <= most; ++i) std::printf(" %" PRIu64, alike[i].g->id);
    std::printf("%s\n", alike.size() - 1 > most ? " ..." : "");
  }
  debug::symboliser names_;
  places places_;
  std::map<std::vector<std::uint64_t>, std::string> texts_;
  bool with_runtime_;
};

std::vector<shown> choose(const snapshot& seen, stack_reader& reader, const stack_options& options) {
  std::vector<shown> chosen;
  for (const seen_goroutine& g : seen.goroutines)
    if (options.ids.empty() || std::ranges::find(options.ids, g.id) != options.ids.end())
      chosen.push_back({&g, reader.read(g)});
  for (const std::uint64_t id : options.ids)
    if (std::ranges::find(chosen, id, [](const shown& s) { return s.g->id; }) == chosen.end())
      throw inspection_error("there is no goroutine " + std::to_string(id));
  return chosen;
}

// Those whose frames and state are the same come once, the largest group first. Two goroutines may have parked at two places
// of the same line: what is shown decides, not the addresses.
std::vector<std::vector<shown>> group(std::vector<shown> all, printer& print, bool one_by_one) {
  std::vector<std::vector<shown>> groups;
  std::map<std::tuple<std::string, std::string, std::uint64_t>, std::size_t> known;
  for (shown& s : all) {
    const auto [entry, is_new] = known.try_emplace(
        {print.text_of(s.stack), s.g->reason + to_string(s.g->state), s.g->start_site}, groups.size());
    if (is_new || one_by_one) groups.emplace_back();
    groups[one_by_one ? groups.size() - 1 : entry->second].push_back(std::move(s));
  }
  using members = const std::vector<shown>&;
  if (!one_by_one)
    std::ranges::sort(groups, [](members a, members b) {
      return std::tuple(b.size(), a[0].g->id) < std::tuple(a.size(), b[0].g->id);
    });
  return groups;
}

void print_json(const target& process, const std::vector<shown>& all, printer& print) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const shown& s : all) {
    nlohmann::ordered_json frames = nlohmann::ordered_json::array();
    for (const debug::source_frame& f : print.frames_of(s.stack))
      frames.push_back({{"function", f.function},
                        {"file", f.file},
                        {"line", f.line},
                        {"offset", f.offset},
                        {"inlined", f.is_inlined}});
    nlohmann::ordered_json row{{"id", s.g->id}, {"state", to_string(s.g->state)}};
    if (!s.g->reason.empty()) row.update({{"reason", s.g->reason}, {"waiting_ns", s.g->waiting_ns}});
    if (!s.g->name.empty()) row["name"] = s.g->name;
    if (!s.stack.problem.empty()) row["problem"] = s.stack.problem;
    row.update({{"whole", s.stack.is_whole()}, {"frames", std::move(frames)}});
    rows.push_back(std::move(row));
  }
  const nlohmann::ordered_json report{{"of", process.title()}, {"goroutines", std::move(rows)}};
  std::printf("%s\n", report.dump(1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void show(const stack_options& options) {
  const auto process = open_target(options.who);
  const layout where(*process);
  const snapshot seen = take_snapshot(*process, where);
  stack_reader reader(*process, where);
  std::vector<shown> chosen = choose(seen, reader, options);
  printer print(*process, options);
  if (options.as_json) return print_json(*process, chosen, print);
  std::printf("%s: %zu goroutines\n", process->title().c_str(), seen.alive);
  for (const auto& alike : group(std::move(chosen), print, options.one_by_one)) print.print(alike);
}

}  // namespace

int stack_main(int argc, char** argv) {
  stack_options options;
  CLI::App app("Shows the stacks of another process's goroutines, or of a core file's. Those that are alike come once.",
               "weft stack");
  app.add_option("PID|CORE", options.who, "a process id, or a core file")->required();
  app.add_option("GOROUTINE", options.ids, "only these, by their ids");
  app.add_flag("--all", options.one_by_one, "each by itself, also those that are alike");
  app.add_flag("--runtime", options.with_runtime, "weft's own frames too");
  app.add_flag("--json", options.as_json, "print JSON");
  app.footer("Only threads that run are stopped, one at a time, for as long as it takes to copy a stack.");
  if (auto status = parse_words(app, argc, argv, "PID|CORE [GOROUTINE…] [options]")) return *status;
  try {
    show(options);
  } catch (const inspection_error& problem) {
    std::fprintf(stderr, "weft stack: %s\n", problem.what());
    return exit_failed;
  }
  return 0;
}

}  // namespace weft::tool
