#include "poll/file_requests.h"

#include <weft/detail/waiter.h>

#include "base/settings.h"
#include "os/process_threads.h"
#include "poll/descriptor.h"
#include "poll/registry.h"
#include "sched/schedule.h"
#include "sched/worker.h"

namespace weft::poll {
namespace {

enum class phase : std::uint8_t { begun, asleep, done };

struct request {
  detail::waiter sleeper;
  std::int64_t result = 0;
  base::atomic<phase> reached{phase::begun};
};

os::file_ring* ring() noexcept;

// Takes all there is: the ring tells only of the change from empty.
void collect(sched::ready_list& woken) {
  os::file_ring::completion buffer[64];
  while (true) {
    const auto completions = ring()->take(buffer);
    if (completions.empty()) return;
    for (const auto& completion : completions) {
      auto& done = *reinterpret_cast<request*>(completion.key);
      done.result = completion.result;
      if (done.reached.exchange(phase::done, base::acq_rel) == phase::asleep) woken.push_back(done.sleeper);  // Q1, Q2
      registry::expected.fetch_sub(1, base::release);
    }
  }
}

os::file_ring* start() {
  if (base::settings().debug_files == "blocking") return nullptr;
  auto made = os::file_ring::make();
  if (!made) return nullptr;
  int error = 0;
  descriptor* const gate = open(made->descriptor(), error);
  if (!gate) return nullptr;
  registry::relay(*gate, collect);
  return made.release();  // for ever
}

os::file_ring* ring() noexcept {
  static os::file_ring* const instance = start();
  return instance;
}

}  // namespace

std::optional<std::int64_t> on_file_ring(const os::file_ring::operation& op) {
  if (!sched::this_goroutine() || !ring() || !os::owns_process()) return std::nullopt;
  request mine;
  mine.sleeper.who = sched::self();
  registry::expected.fetch_add(1, base::relaxed);
  if (!ring()->submit(op, reinterpret_cast<std::uintptr_t>(&mine))) {
    registry::expected.fetch_sub(1, base::relaxed);
    return std::nullopt;
  }
  if (mine.reached.exchange(phase::asleep, base::acq_rel) == phase::begun) sched::park(sched::wait_reason::io_wait, &mine);
  return mine.result;
}

}  // namespace weft::poll
