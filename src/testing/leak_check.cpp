// testing::leak_check: who was started after a moment and is alive now?
//
// Nobody is told when goroutines start or end: the check reads the control blocks of all live stacks, as a dump does, and
// asks for each whether its id is later than the mark (sched/birth.h). One that has not run yet has no stack: while fewer
// stacks than goroutines are alive the answer is not final. So it looks again, less and less often, until there is nobody
// or the grace is over; and beyond the grace while nobody is found and somebody has yet to run, who may want a busy CPU.
// One that ends is counted as ended a moment before its stack goes, and could stand for one that has yet to run: while
// somebody else runs, the answer must hold for longest_end_ns.
// Refused: a list of goroutines (a lock or a read-modify-write per go, for the sake of tests); comparing counts, which
// does not say who, and takes the end of an old one for the end of a new one.
#include <weft/testing.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <set>
#include <vector>

#include <weft/time.h>

#include "base/atomic.h"
#include "base/fatal.h"
#include "os/clock.h"
#include "sched/birth.h"
#include "sched/seam.h"
#include "sched/worker.h"
#include "stack/stack.h"
#include "testing/report.h"

namespace weft::testing {
namespace {

constexpr std::int64_t longest_birth_ns = 10'000'000'000;
constexpr std::int64_t longest_end_ns = 5'000'000;  // from being counted as ended to having no stack

constinit base::atomic<leak_handler> handler{nullptr};

struct ignored_names {
  std::mutex lock;
  std::set<std::string, std::less<>> names;  // guarded by lock
};
ignored_names& ignored() {
  static auto* all = new ignored_names;  // never destroyed: checks may run until the process ends
  return *all;
}

bool is_ignored(const char* name) {
  if (!name) return true;  // its stack was given back while we looked
  ignored_names& all = ignored();
  std::lock_guard hold(all.lock);
  return all.names.contains(std::string_view(name));
}

struct look {
  std::vector<std::pair<std::uint64_t, const sched::goroutine*>> leaked;  // by id
  bool is_final = false;
  bool is_settled = false;  // nobody else runs, who may be counted as ended and still have a stack
};

}  // namespace

struct leak_check::snapshot {
  sched::birth_mark mark;
  clock::duration grace;
  int exceptions;

  look look_around() const {
    look seen;
    const std::size_t alive = sched::count_goroutines();
    std::size_t with_stack = 0, running = 0;
    const sched::goroutine* own = sched::this_goroutine();
    stack::for_each_live([&](std::byte* top, std::byte*) {
      const sched::goroutine* g = sched::goroutine_at(top);
      if (g->mark.load(base::acquire) != sched::goroutine::alive_mark) return;
      ++with_stack;
      if (g != own && g->reason.load(base::relaxed) == sched::wait_reason::none) ++running;
      if (g != own && !g->membership && mark.is_later(g->id) && !is_ignored(g->name)) seen.leaked.emplace_back(g->id, g);
    });
    seen.is_settled = running == 0;
    seen.is_final = seen.leaked.empty() && alive <= with_stack && alive == sched::count_goroutines();
    std::sort(seen.leaked.begin(), seen.leaked.end());
    return seen;
  }
};

leak_check::leak_check(clock::duration grace)
    : start_(new snapshot{.mark = {}, .grace = grace, .exceptions = std::uncaught_exceptions()}) {}

leak_check::~leak_check() {
  if (!start_ || std::uncaught_exceptions() > start_->exceptions) return;
  const std::string report = leaks();
  if (report.empty()) return;
  if (leak_handler handle = handler.load(base::acquire)) {
    handle(report);
    return;
  }
  base::print_error("weft: fatal: ");
  std::fputs(report.c_str(), stderr);
  std::abort();
}

std::string leak_check::leaks() {
  const std::unique_ptr<snapshot> start = std::move(start_);
  if (!start || sched::this_member()) return {};
  const std::int64_t begin = os::monotonic_ns();
  look now = start->look_around();
  std::int64_t final_since = 0;
  const auto is_final = [&] {
    if (!now.is_final) final_since = 0;
    else if (final_since == 0) final_since = os::monotonic_ns();
    return now.is_final && (now.is_settled || os::monotonic_ns() - final_since >= longest_end_ns);
  };
  const auto has_time = [&] {
    return os::monotonic_ns() - begin < (now.leaked.empty() ? longest_birth_ns : start->grace.count());
  };
  for (clock::duration pause(0); !is_final() && has_time(); now = start->look_around()) {
    weft::sleep(pause);  // zero: a yield
    pause = std::min<clock::duration>(pause + std::chrono::microseconds(20), std::chrono::milliseconds(5));
  }
  if (now.leaked.empty()) return {};
  std::string report = "testing::leak_check: " + std::to_string(now.leaked.size()) +
                       (now.leaked.size() == 1 ? " goroutine started in its scope is still alive:\n"
                                               : " goroutines started in its scope are still alive:\n");
  for (auto [id, g] : now.leaked)
    if (g->id == id && g->name) report += paragraph(*g, os::monotonic_ns());
  return report;
}

leak_handler set_leak_handler(leak_handler handle) noexcept { return handler.exchange(handle, base::acq_rel); }

void ignore_leaks_of(std::string name) {
  ignored_names& all = ignored();
  std::lock_guard hold(all.lock);
  all.names.insert(std::move(name));
}

}  // namespace weft::testing
