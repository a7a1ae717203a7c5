// testing::explore: one schedule after the other, until one fails.
#include <weft/testing.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/atomic.h"
#include "base/fatal.h"
#include "base/settings.h"
#include "os/crash_note.h"
#include "os/file.h"
#include "testing/exploration.h"

namespace weft::testing {
namespace {

constinit base::atomic<std::size_t (*)()> failure_count{nullptr};

std::size_t failures_so_far() {
  auto* count = failure_count.load(base::acquire);
  return count ? count() : 0;
}

// The plans of an exploration, and what it has learnt from the schedules before.
class plans {
 public:
  explicit plans(const explore_options& options) : options_(options), draw_(options.seed) {
    if (options.depth < 1) throw misuse("testing::explore: depth must be positive");
    if (const std::string& text = base::settings().seed; !text.empty()) {
      replayed_ = parse_plan(text);
      if (!replayed_)
        throw misuse("WEFT_SEED must be what testing::explore printed, such as pct:3:57:0x9f3b, not \"" + text + '"');
    }
  }

  [[nodiscard]] bool is_replay() const noexcept { return replayed_.has_value(); }
  // A replay may be looked at in a debugger, for any time.
  [[nodiscard]] schedule_limits limits() const noexcept {
    return {options_.max_steps, replayed_ ? std::chrono::hours(1'000'000) : options_.time_limit};
  }
  [[nodiscard]] std::size_t count() const noexcept { return replayed_ ? 1 : options_.schedules; }

  plan make(std::size_t schedule) {
    if (replayed_) return *replayed_;
    plan p{.depth = options_.depth, .seed = draw_.next()};
    p.steps = p.seed % 2 == 0 ? longest_ : usual_;
    const bool is_pct = options_.strategy == strategy::pct || (options_.strategy == strategy::mixed && schedule % 2 == 1);
    p.how = is_pct ? plan::method::pct : plan::method::random;
    return p;
  }
  void learn(std::size_t steps) noexcept {
    longest_ = learnt_ == 0 ? static_cast<std::uint32_t>(steps) : std::max(longest_, static_cast<std::uint32_t>(steps));
    sum_ += steps;
    usual_ = static_cast<std::uint32_t>(sum_ / ++learnt_);
  }

 private:
  const explore_options& options_;
  generator draw_;
  // Falls spread over the longest schedule miss the beginning once one has polled for long; over the usual one they miss the
  // end. So each in turn. The first values are guesses, for a first schedule that is pct.
  std::uint32_t longest_ = 30, usual_ = 30;
  std::size_t sum_ = 0, learnt_ = 0;
  std::optional<plan> replayed_;
};

void keep_trace(const explore_options& options, const std::string& text) {
  if (options.trace) *options.trace = text;
  const std::string& path = base::settings().seed_trace;
  if (!path.empty() && !os::write_file(path, text))
    base::print_error("weft: WEFT_SEED_TRACE: cannot write %s\n", path.c_str());
}

std::string ordinal(std::size_t schedule, const plans& all) {
  if (all.is_replay()) return "the replayed schedule";
  return "schedule " + std::to_string(schedule + 1) + " of " + std::to_string(all.count());
}

[[noreturn]] void report_failure(const std::string& which, const plan& p, std::size_t number, const std::string& wrong,
                                 const exploration& world) {
  const std::string seed = print(p);
  std::string text = "testing::explore: " + which + " failed: " + wrong + "\nthe last decisions:\n" + world.log().last(30) +
                     "\nreplay with WEFT_SEED=" + seed + "\n";
  base::print_error("weft: testing::explore: %s failed; replay with WEFT_SEED=%s\n", which.c_str(), seed.c_str());
  throw schedule_failure(std::move(text), seed, number + 1, world.log().text(), world.cause());
}

}  // namespace

namespace impl {

void set_failure_count(std::size_t (*count)()) noexcept { failure_count.store(count, base::release); }

[[gnu::noinline]] explored run_explore(const explore_options& options, void (*call)(void*), void* function) {
  const callable body{call, function, __builtin_return_address(0)};
  if (sched::this_member()) throw misuse("testing::explore inside a bubble or an exploration");
  plans all(options);
  os::crash_note note;
  explored sum;
  for (std::size_t i = 0; i < all.count(); ++i) {
    const plan p = all.make(i);
    const std::string which = ordinal(i, all);
    note.set("weft: testing::explore: died in " + which + "; replay with WEFT_SEED=" + print(p));
    const std::size_t failed_before = failures_so_far();
    auto world = std::make_unique<exploration>(p, all.limits());
    std::optional<std::string> wrong = world->run(body);
    const exploration& done = *world;
    if (wrong) world.release()->become_reachable();  // virtual_world.h, V2
    else if (failures_so_far() != failed_before) wrong = "an expectation of the test framework failed in it\n";
    all.learn(done.steps());
    sum.schedules = i + 1;
    sum.steps += done.steps();
    if (wrong || all.is_replay() || i + 1 == all.count()) keep_trace(options, done.log().text());
    if (wrong) report_failure(which, p, i, *wrong, done);
  }
  if (all.is_replay()) base::print_error("weft: testing::explore: the replayed schedule passed\n");
  return sum;
}

}  // namespace impl

void point() { sched::point("point"); }

}  // namespace weft::testing
