// Results as JSON, and as a page that carries its charts, its data and the library that draws them.
#include <weft/version.h>

#include <nlohmann/json.hpp>

#include "resources.h"
#include "results.h"

namespace weft::lab {
namespace {

using json = nlohmann::ordered_json;

const char* shape_name(chart::type shape) {
  switch (shape) {
    case chart::type::bars: return "bars";
    case chart::type::stacked: return "stacked";
    case chart::type::lines: return "lines";
    case chart::type::curve: return "curve";
  }
  return "";
}

json rows(const std::vector<outcome>& outcomes) {
  json list = json::array();
  for (const outcome& o : outcomes) {
    list.push_back({{"label", label(o.what)},
                    {"kind", kind_word(o.what.who)},
                    {"form", o.what.form},
                    {"arguments", o.what.extra},
                    {"status", to_string(o.status)},
                    {"note", o.note},
                    {"figures", o.figures},
                    {"curves", o.curves}});
  }
  return list;
}

json one_experiment(const experiment_result& r) {
  const experiment& e = *r.what;
  json columns = json::array(), charts = json::array(), checks = json::array();
  for (const column& c : e.columns) columns.push_back({{"figure", c.figure}, {"heading", c.heading}});
  for (const chart& c : e.charts)
    charts.push_back(
        {{"shape", shape_name(c.shape)}, {"title", c.title}, {"figures", c.figures}, {"x", c.x}, {"log", c.log}});
  for (const check& c : r.checks)
    checks.push_back({{"claim", c.claim}, {"measured", c.measured}, {"result", to_string(c.answer)}});
  return {{"id", e.id},          {"name", e.name},
          {"title", e.title},    {"what", e.what},
          {"claim", e.claim},    {"verdict", to_string(r.verdict())},
          {"checks", checks},    {"parameters", r.parameters},
          {"columns", columns},  {"rows", rows(r.outcomes)},
          {"charts", charts},    {"command", r.command},
          {"seconds", r.seconds}};
}

json document(const lab_result& all) {
  json findings = json::array(), experiments = json::array();
  for (const tool::finding& f : all.findings)
    findings.push_back({{"group", f.group},
                        {"name", f.name},
                        {"value", f.value},
                        {"level", tool::to_string(f.severity)},
                        {"effect", f.effect},
                        {"remedy", f.remedy}});
  for (const experiment_result& r : all.experiments) experiments.push_back(one_experiment(r));
  const machine& m = all.where;
  return {{"weft", WEFT_VERSION},
          {"started_at", all.started_at},
          {"quick", all.is_quick},
          {"machine",
           {{"summary", m.one_line()},
            {"cpu", m.cpu},
            {"cpus", m.cpus},
            {"memory_bytes", m.memory_bytes},
            {"kernel", m.kernel},
            {"built_with", m.built_with},
            {"go", m.go}}},
          {"limits", all.limits},
          {"load", all.load},
          {"go_missing", all.go_missing},
          {"doctor", findings},
          {"experiments", experiments}};
}

std::string dump(const json& j, int indent) { return j.dump(indent, ' ', false, json::error_handler_t::replace); }

void replace(std::string& text, std::string_view mark, std::string_view with) {
  if (const auto at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), with);
}

}  // namespace

std::string as_json(const lab_result& all) { return dump(document(all), 2) + '\n'; }

std::string as_html(const lab_result& all) {
  std::string data = dump(document(all), -1);
  // "</script>" in a string would end the element that holds the data; JSON may write the slash as "\/".
  for (std::size_t at = 0; (at = data.find("</", at)) != std::string::npos;) data.replace(at, 2, "<\\/");
  std::string page(report_page());
  replace(page, "{{chart.js}}", chart_library());
  replace(page, "{{data}}", data);
  return page;
}

}  // namespace weft::lab
