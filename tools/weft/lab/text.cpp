// Results on the terminal.
#include <cstdio>
#include <cstdlib>

#include "format.h"
#include "results.h"
#include "table.h"
#include "thread_limits.h"

namespace weft::lab {
namespace {

constexpr std::size_t line_columns = 110;
constexpr std::size_t text_indent = 12;

std::string field(const char* name, const std::string& text) {
  char start[32];
  std::snprintf(start, sizeof start, "  %-*s", static_cast<int>(text_indent - 2), name);
  return start + wrapped(text, line_columns, text_indent) + '\n';
}

const char* sign(check::result answer) {
  switch (answer) {
    case check::result::held: return "✓";
    case check::result::failed: return "✗";
    case check::result::undecided: return "?";
  }
  return " ";
}

std::string cell(const outcome& o, const column& c) {
  const auto at = o.figures.find(c.figure);
  return at == o.figures.end() ? "-" : format(c.figure, at->second);
}

table figures(const experiment_result& one) {
  std::vector<std::string> headings{""};
  for (const column& c : one.what->columns) headings.push_back(c.heading);
  table shown(std::move(headings));
  for (const outcome& o : one.outcomes) {
    std::vector<std::string> row{label(o.what)};
    for (const column& c : one.what->columns) row.push_back(o.has_figures() ? cell(o, c) : "-");
    shown.add(std::move(row));
    if (!o.note.empty() || o.status != outcome::state::ok)
      shown.footnote(label(o.what) + ": " + (o.note.empty() ? to_string(o.status) : o.note));
  }
  return shown;
}

}  // namespace

std::string label(const job& what) {
  if (!what.label.empty()) return what.label;
  std::string text(kind_name(what.who));
  return what.form.empty() ? text : text + ", " + what.form;
}

std::string limits_line() {
  const limit least = tightest_thread_limit();
  return "at most " + format("", static_cast<double>(least.room)) + " more threads (" + least.name + " = " +
         format("", static_cast<double>(least.value)) + "), " + format("_bytes", usable_memory_bytes()) +
         " of memory to use";
}

std::string load_line() {
  double load[1] = {0};
  if (::getloadavg(load, 1) != 1 || load[0] < 0.5) return "";
  return "this machine is busy (load " + format("", load[0]) +
         "): expect figures that are too high, and verdicts that waver";
}

std::string sizes_line(const arguments& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (name == "threads-limit" && value == 0) continue;
    text += (text.empty() ? "" : ", ") + name + ' ' + format("", static_cast<double>(value));
  }
  return text;
}

std::string as_text(const lab_result& all, const experiment_result& one) {
  const experiment& e = *one.what;
  std::string text = "\n" + std::string(1, 'E') + std::string(e.id.substr(1)) + "  " + std::string(e.title) + '\n';
  text += field("runs", std::string(e.what));
  text += field("claim", std::string(e.claim));
  text += field("machine", all.where.one_line());
  text += field("limits", all.limits);
  if (!all.load.empty()) text += field("beware", all.load);
  text += field("sizes", sizes_line(one.parameters));
  text += '\n' + figures(one).to_string() + '\n';
  text += field("verdict", to_string(one.verdict()));
  for (const check& c : one.checks)
    text += "    " + std::string(sign(c.answer)) + ' ' + wrapped(c.claim + ": " + c.measured, line_columns, 6) + '\n';
  text += field("again", one.command);
  return text;
}

std::string summary_text(const lab_result& all) {
  table shown({"", "", "verdict", "took"});
  for (const experiment_result& one : all.experiments)
    shown.add(
        {std::string(one.what->id), std::string(one.what->title), to_string(one.verdict()), format("_s", one.seconds)});
  return "\n" + shown.to_string();
}

}  // namespace weft::lab
