#include "testing/decisions.h"

#include <cstdio>

namespace weft::testing {
namespace {

std::string goroutine(std::uint64_t number) { return "g" + std::to_string(number); }

}  // namespace

void decision_log::start(std::uint32_t who, std::uint64_t by, const char* name) {
  entry e{.what = entry::kind::start, .from = static_cast<std::uint32_t>(by), .chosen = who};
  e.first = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  entries_.push_back(e);
}

void decision_log::choice(reason why, const char* what, std::uint32_t from, std::uint32_t chosen,
                          std::span<const std::uint32_t> candidates) {
  entry e{.what = entry::kind::choice, .why = why, .operation = what, .from = from, .chosen = chosen};
  e.first = static_cast<std::uint32_t>(candidates_.size());
  e.count = static_cast<std::uint32_t>(candidates.size());
  candidates_.insert(candidates_.end(), candidates.begin(), candidates.end());
  entries_.push_back(e);
}

void decision_log::clock(std::int64_t elapsed_ns) {
  entries_.push_back({.what = entry::kind::clock, .elapsed_ns = elapsed_ns});
}

void decision_log::print(std::string& out, const entry& e, std::size_t& number) const {
  char line[64];
  switch (e.what) {
    case entry::kind::start:
      out += "        " + goroutine(e.chosen) + " starts";
      if (e.from != 0) out += " by " + goroutine(e.from);
      if (!names_[e.first].empty()) out += ": " + names_[e.first];
      break;
    case entry::kind::clock:
      std::snprintf(line, sizeof line, "        clock %lld.%09lld", static_cast<long long>(e.elapsed_ns / 1'000'000'000),
                    static_cast<long long>(e.elapsed_ns % 1'000'000'000));
      out += line;
      break;
    case entry::kind::choice:
      std::snprintf(line, sizeof line, "%6zu  ", ++number);
      out += line;
      if (e.why == reason::point) out += goroutine(e.from) + " at " + e.operation;
      if (e.why == reason::park) out += goroutine(e.from) + " in " + e.operation;
      if (e.why == reason::end) out += goroutine(e.from) + " ends";
      if (e.why == reason::outside) out += "from outside";
      out += ": " + goroutine(e.chosen);
      if (e.count > 1) {
        out += " of";
        for (std::uint32_t i = 0; i < e.count; ++i) out += " " + goroutine(candidates_[e.first + i]);
      }
      break;
  }
  out += '\n';
}

std::string decision_log::text() const {
  std::string out = title_ + "\n";
  std::size_t number = 0;
  for (const entry& e : entries_) print(out, e, number);
  return out;
}

std::string decision_log::last(std::size_t lines) const {
  const std::size_t skipped = entries_.size() > lines ? entries_.size() - lines : 0;
  std::string out = skipped != 0 ? "   ...\n" : "";
  std::size_t number = 0;
  for (std::size_t i = 0; i < skipped; ++i) number += entries_[i].what == entry::kind::choice;
  for (std::size_t i = skipped; i < entries_.size(); ++i) print(out, entries_[i], number);
  return out;
}

}  // namespace weft::testing
