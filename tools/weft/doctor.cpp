// `weft doctor`: the findings as a table for people or as JSON for programs.
#include "doctor.h"

#include <weft/version.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "command.h"
#include "words.h"

namespace weft::tool {
namespace {

void print_json(const std::vector<finding>& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const finding& f : findings) {
    list.push_back({{"group", f.group},
                    {"name", f.name},
                    {"value", f.value},
                    {"level", to_string(f.severity)},
                    {"effect", f.effect},
                    {"remedy", f.remedy}});
  }
  const nlohmann::ordered_json report{{"weft", WEFT_VERSION}, {"findings", list}};
  std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_table(const std::vector<finding>& findings) {
  std::string group;
  int notes = 0, limits = 0;
  for (const finding& f : findings) {
    if (f.group != group) std::printf("%s%s\n", group.empty() ? "" : "\n", f.group.c_str());
    group = f.group;
    std::printf("  %-6s%-20s%s\n", to_string(f.severity), f.name.c_str(), f.value.c_str());
    std::printf("        %-20s%s\n", "", f.effect.c_str());
    if (!f.remedy.empty()) std::printf("        %-20sto change: %s\n", "", f.remedy.c_str());
    notes += f.severity == finding::level::note;
    limits += f.severity == finding::level::limit;
  }
  std::printf("\n%zu looked at, %d to note, %d that limit weft\n", findings.size(), notes, limits);
}

}  // namespace

int doctor_main(int argc, char** argv) {
  bool as_json = false;
  CLI::App app(
      "Shows the kernel features, limits and settings that matter to weft: each with its value, what weft does\n"
      "about it, and what to change.",
      "weft doctor");
  app.add_flag("--json", as_json, "print JSON");
  app.footer("ok: nothing to do. note: weft works around it. limit: a documented size does not fit.");
  if (auto status = parse_words(app, argc, argv)) return *status;
  const std::vector<finding> findings = examine();
  as_json ? print_json(findings) : print_table(findings);
  return 0;
}

}  // namespace weft::tool
