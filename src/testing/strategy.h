// Who runs next, in an exploration: two ways to choose, both drawn from one seed.
//
// `random` takes each choice uniformly. It is good at bugs that many schedules have.
//
// `pct` gives every goroutine a random priority and always runs the highest, except that at depth - 1 random steps the one
// that runs falls below all others. A bug that needs d orderings to come together among n goroutines and k steps is found
// by one schedule with a probability of at least 1 / (n k^(d-1)), however rare it is under random choice: Burckhardt,
// Kothari, Musuvathi, Nagarakatte: "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010.
//
// Both are fair to those that poll: whoever yields, or has run for fair_after steps while others wanted to, lets others go
// first; under pct it falls below all others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::testing {

// One schedule, complete: written as "random:0x9f3b" or "pct:3:57:0x9f3b".
struct plan {
  enum class method : std::uint8_t { random, pct };
  method how = method::random;
  int depth = 3;             // pct
  std::uint32_t steps = 0;   // pct: how many steps are expected; the falls are spread over these
  std::uint64_t seed = 0;
  friend bool operator==(const plan&, const plan&) = default;
};
std::string print(const plan& p);
std::optional<plan> parse_plan(std::string_view text);

// splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class generator {
 public:
  explicit generator(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept;
  std::uint64_t below(std::uint64_t n) noexcept;  // uniform; n > 0

 private:
  std::uint64_t state_;
};

class strategy_of_schedule {
 public:
  static constexpr std::uint32_t fair_after = 1'000;

  virtual ~strategy_of_schedule() = default;
  // One of the candidates. `current` is the one that runs, or 0: it cannot go on. Candidates are numbers from 1.
  std::uint32_t choose(std::span<const std::uint32_t> candidates, std::uint32_t current, bool yields);

 protected:
  virtual std::uint32_t pick(std::span<const std::uint32_t> candidates, std::uint32_t current, bool gives_way) = 0;

 private:
  std::uint32_t last_ = 0, run_length_ = 0;
};

std::unique_ptr<strategy_of_schedule> make_strategy(const plan& p);

}  // namespace weft::testing
