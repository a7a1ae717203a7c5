#include "testing/strategy.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

namespace weft::testing {

std::uint64_t generator::next() noexcept {
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::uint64_t generator::below(std::uint64_t n) noexcept {
  const std::uint64_t uneven = (0 - n) % n;  // values below this would make the first remainders likelier
  while (true)
    if (const std::uint64_t drawn = next(); drawn >= uneven) return drawn % n;
}

std::uint32_t strategy_of_schedule::choose(std::span<const std::uint32_t> candidates, std::uint32_t current, bool yields) {
  const bool hogs = current != 0 && current == last_ && run_length_ >= fair_after;
  const std::uint32_t chosen = pick(candidates, current, candidates.size() > 1 && current != 0 && (yields || hogs));
  run_length_ = chosen == last_ && candidates.size() > 1 ? run_length_ + 1 : 0;
  last_ = chosen;
  return chosen;
}

namespace {

class random_walk final : public strategy_of_schedule {
 public:
  explicit random_walk(std::uint64_t seed) noexcept : draw_(seed) {}

 private:
  std::uint32_t pick(std::span<const std::uint32_t> candidates, std::uint32_t current, bool gives_way) override {
    if (!gives_way) return candidates[draw_.below(candidates.size())];
    std::uint64_t place = draw_.below(candidates.size() - 1);
    for (std::uint32_t candidate : candidates)
      if (candidate != current && place-- == 0) return candidate;
    __builtin_unreachable();
  }

  generator draw_;
};

class pct final : public strategy_of_schedule {
 public:
  explicit pct(const plan& p) : draw_(p.seed) {
    for (int fall = 1; fall < p.depth; ++fall) falls_.push_back(1 + draw_.below(std::max<std::uint64_t>(p.steps, 1)));
    std::sort(falls_.begin(), falls_.end());
  }

 private:
  std::uint32_t pick(std::span<const std::uint32_t> candidates, std::uint32_t current, bool gives_way) override {
    ++step_;
    while (next_fall_ < falls_.size() && falls_[next_fall_] <= step_) {
      ++next_fall_;
      if (current != 0) sink(current);
    }
    if (gives_way) sink(current);
    return *std::max_element(candidates.begin(), candidates.end(),
                             [&](std::uint32_t a, std::uint32_t b) { return priority(a) < priority(b); });
  }

  void sink(std::uint32_t who) {
    priority(who);
    priorities_[who] = --lowest_;
  }

  // Drawn in the order of first appearance, which the schedule decides: so it repeats.
  std::int64_t priority(std::uint32_t who) {
    while (priorities_.size() <= who) priorities_.push_back(static_cast<std::int64_t>(draw_.next() >> 2) + 1);
    return priorities_[who];
  }

  generator draw_;
  std::vector<std::uint64_t> falls_;       // the steps at which somebody falls, sorted
  std::size_t next_fall_ = 0;
  std::uint64_t step_ = 0;
  std::vector<std::int64_t> priorities_;   // by number; above zero until the first fall
  std::int64_t lowest_ = 0;
};

bool take(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <class T>
bool take_number(std::string_view& text, T& number, int base) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::unique_ptr<strategy_of_schedule> make_strategy(const plan& p) {
  if (p.how == plan::method::pct) return std::make_unique<pct>(p);
  return std::make_unique<random_walk>(p.seed);
}

std::string print(const plan& p) {
  char text[64];
  const auto seed = static_cast<unsigned long long>(p.seed);
  if (p.how == plan::method::random) std::snprintf(text, sizeof text, "random:0x%llx", seed);
  else std::snprintf(text, sizeof text, "pct:%d:%u:0x%llx", p.depth, p.steps, seed);
  return text;
}

std::optional<plan> parse_plan(std::string_view text) {
  plan p;
  if (take(text, "pct:")) {
    p.how = plan::method::pct;
    if (!take_number(text, p.depth, 10) || p.depth < 1 || !take(text, ":")) return std::nullopt;
    if (!take_number(text, p.steps, 10) || !take(text, ":")) return std::nullopt;
  } else if (!take(text, "random:")) {
    return std::nullopt;
  }
  if (!take(text, "0x") || !take_number(text, p.seed, 16) || !text.empty()) return std::nullopt;
  return p;
}

}  // namespace weft::testing
