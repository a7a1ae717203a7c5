#include "experiments.h"

#include <algorithm>
#include <array>

#include "experiment.h"

namespace weft::lab {

std::string_view kind_name(kind who) {
  constexpr std::array<std::string_view, 5> names{"plain", "threads", "threads pinned", "goroutines", "Go"};
  return names[static_cast<std::size_t>(who)];
}

std::string_view kind_word(kind who) {
  constexpr std::array<std::string_view, 5> words{"plain", "threads", "pinned", "goroutines", "go"};
  return words[static_cast<std::size_t>(who)];
}

const body* experiment::find_body(kind who, std::string_view form) const {
  const auto found = std::ranges::find_if(bodies, [&](const body& b) { return b.who == who && b.form == form; });
  return found == bodies.end() ? nullptr : &*found;
}

const std::vector<experiment>& experiments() {
  static const std::vector<experiment> all{
      e01_sleepers(), e02_million(),  e03_timers(),     e04_pingpong(), e05_switch(),
      e06_stacks(),   e07_growth(),   e08_spawn(),      e09_servers(),  e10_procs(),    e11_primes(),
      e12_events(),   e13_blocking(), e14_starvation(), e15_flood(),    e16_leaks(),    e17_races(),
      e18_realtime(),
  };
  return all;
}

const experiment* find_experiment(std::string_view word) {
  const auto& all = experiments();
  const auto found = std::ranges::find_if(all, [&](const experiment& e) { return e.id == word || e.name == word; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace weft::lab
