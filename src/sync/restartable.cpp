#include "sync/restartable.h"

#include "base/spinlock.h"
#include "os/clock.h"

namespace weft {

constinit base::atomic<std::uint32_t> stores_allowed{1};

namespace {

constexpr std::uint32_t round_of_restarts = 64;
constexpr std::int64_t too_soon_ns = round_of_restarts * 50'000;  // for a round: one every 50 µs, a tenth of a CPU if each takes 5
constexpr std::int64_t rest_ns = 100'000'000;

constinit base::spinlock changing;
constinit base::atomic<bool> must_restart{true};         // those who change a word have to restart the others
constinit base::atomic<std::uint32_t> restarts{0};
constinit base::atomic<std::int64_t> round_began_ns{0}, rests_until_ns{0};

void note_restart() noexcept {
  if (restarts.fetch_add(1, base::relaxed) % round_of_restarts != round_of_restarts - 1) return;
  const std::int64_t now = os::monotonic_ns();
  if (now - round_began_ns.exchange(now, base::relaxed) >= too_soon_ns) return;
  rests_until_ns.store(now + rest_ns, base::relaxed);
  give_up_stores();
}

}  // namespace

void allow_stores() noexcept {
  base::locked hold(changing);
  must_restart.store(true, base::relaxed);
  base::thread_fence(base::seq_cst);  // who did not see that has changed the word before: its fence came first
  stores_allowed.store(1, base::release);
}

void give_up_stores() noexcept {
  base::locked hold(changing);
  stores_allowed.store(0, base::relaxed);
  os::restart_threads();
  must_restart.store(false, base::release);
}

void restart_all() noexcept {
  // Who sees here that nobody needs to be restarted, or ever was, has changed the word before: later looks see the change.
  base::thread_fence(base::seq_cst);
  if (os::rseq_area.load(base::relaxed) == 0) return;
  if (must_restart.load(base::acquire)) {
    os::restart_threads();
    note_restart();
  } else if (os::monotonic_ns() >= rests_until_ns.load(base::relaxed)) {
    allow_stores();
  }
}

}  // namespace weft
