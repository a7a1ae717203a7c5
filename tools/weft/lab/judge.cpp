#include "judge.h"

#include <algorithm>

#include "format.h"

namespace weft::lab {
namespace {

std::string label_of(const run_key& key) {
  std::string label(kind_name(key.who));
  if (!key.form.empty()) label += ", " + std::string(key.form);
  for (const auto& [name, value] : key.extra) label += ", " + name + ' ' + format("", static_cast<double>(value));
  return label;
}

}  // namespace

const outcome* judge::find(const run_key& key) const {
  const auto found = std::ranges::find_if(outcomes_, [&](const outcome& o) {
    return o.what.who == key.who && o.what.form == key.form && std::ranges::all_of(key.extra, [&](const auto& wanted) {
             const auto at = o.what.extra.find(wanted.first);
             return at != o.what.extra.end() && at->second == wanted.second;
           });
  });
  return found == outcomes_.end() ? nullptr : &*found;
}

bool judge::has(const run_key& key) const {
  const outcome* o = find(key);
  return o && o->has_figures();
}

measure judge::figure(const run_key& key, const std::string& figure) const {
  const outcome* o = find(key);
  if (!o) return {{}, label_of(key) + ": not run"};
  const auto at = o->figures.find(figure);
  if (o->has_figures() && at != o->figures.end()) return {at->second, {}};
  return {{}, label_of(key) + ": " + (o->note.empty() ? to_string(o->status) : o->note)};
}

measure judge::ratio(const measure& above, const measure& below) {
  if (!above.value) return above;
  if (!below.value) return below;
  return {*above.value / std::max(*below.value, 1e-12), {}};
}

measure judge::ratio(const run_key& above, const run_key& below, const std::string& name) const {
  return ratio(figure(above, name), figure(below, name));
}

void judge::at_least(std::string claim, const measure& m, double bound, std::string_view shape) {
  decide(std::move(claim), m, m.value && *m.value >= bound, "at least", bound, shape);
}

void judge::at_most(std::string claim, const measure& m, double bound, std::string_view shape) {
  decide(std::move(claim), m, m.value && *m.value <= bound, "at most", bound, shape);
}

void judge::complete(std::string claim, const run_key& key) {
  const outcome* o = find(key);
  const bool all = o && o->status == outcome::state::ok;
  checks_.push_back({std::move(claim),
                     all ? "all of it ran"
                     : o ? o->note
                         : "not run",
                     all ? check::result::held : check::result::undecided});
}

void judge::decide(std::string claim, const measure& m, bool holds, const char* relation, double bound,
                   std::string_view shape) {
  if (!m.value) {
    checks_.push_back({std::move(claim), m.missing, check::result::undecided});
    return;
  }
  checks_.push_back({std::move(claim), format(shape, *m.value) + "; claimed " + relation + ' ' + format(shape, bound),
                     holds ? check::result::held : check::result::failed});
}

check::result overall(const std::vector<check>& checks) {
  const auto any = [&](check::result r) {
    return std::ranges::any_of(checks, [&](const check& c) { return c.answer == r; });
  };
  if (any(check::result::failed)) return check::result::failed;
  if (checks.empty() || any(check::result::undecided)) return check::result::undecided;
  return check::result::held;
}

const char* to_string(check::result answer) {
  switch (answer) {
    case check::result::held: return "held";
    case check::result::failed: return "did not hold";
    case check::result::undecided: return "not decided";
  }
  return "?";
}

}  // namespace weft::lab
