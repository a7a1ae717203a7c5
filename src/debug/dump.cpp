// Who asks for dumps, and on which thread they are made: always one with a large stack. debug::dump() starts a thread for
// it; whoever dies, and SIGQUIT, leave it to the monitor's (sched/errand.h).
#include <weft/debug.h>

#include <csignal>

#include <weft/runtime.h>

#include "base/fatal.h"
#include "debug/census.h"
#include "debug/dump_text.h"
#include "debug/large_stack.h"
#include "debug/leak_report.h"
#include "debug/periodic.h"
#include "debug/plain_threads.h"
#include "debug/wait_graph.h"
#include "os/end_process.h"
#include "os/replace_handler.h"
#include "os/text_sink.h"
#include "sched/dump.h"
#include "sched/errand.h"
#include "sched/runtime.h"
#include "sched/worker.h"

namespace weft::debug {
namespace {

void write_dump(int descriptor, const known_stack& known, bool is_complete) {
  os::text_sink out(descriptor);
  census all;
  all.take(known);
  symboliser names(whose::self());
  write_census(out, names, all, known.who ? known.who->id : 0, is_complete);
  out.write(parked_threads_text(names, all.taken_at_ns()));
}

void dump_for(const sched::dump_request& request) {
  using cause = sched::dump_request::cause;
  if (request.why == cause::deadlock) os::text_sink(STDERR_FILENO).write('\n' + explanation() + '\n');
  if (request.why == cause::quit)
    for (const cycle& c : find_cycles()) os::text_sink(STDERR_FILENO).write('\n' + cycle_text(c) + '\n');
  // What failed inside the runtime is shown with the runtime's frames.
  write_dump(STDERR_FILENO, {request.who, request.frame}, request.why == cause::fatal);
}

// --- SIGQUIT ---------------------------------------------------------------------------------------------------------

void quit(void*) {
  base::print_error("SIGQUIT: quit\n");
  dump_for({.why = sched::dump_request::cause::quit, .who = nullptr, .frame = {}});
  os::end_process(2);
}

// The handler returns once the monitor is at it: this thread may hold a lock that the dump needs. A second SIGQUIT, or
// a monitor that does not come, brings the short dump from here.
void on_quit(int) {
  constexpr std::int64_t patience_ns = 2'000'000'000;
  static base::atomic<bool> is_second{false};
  if (!is_second.exchange(true, base::acq_rel) && sched::post_errand(quit, nullptr) &&
      sched::wait_for_errand(sched::errand_state::begun, patience_ns) == sched::errand_state::begun)
    return;
  base::print_error("SIGQUIT: quit, in short\n");
  sched::dump_goroutines();
  os::end_process(2);
}

void handle_quit() noexcept {
  struct sigaction action{};
  if (os::set_handler_unseen(SIGQUIT, nullptr, &action) != 0 || action.sa_flags & SA_SIGINFO) return;
  // As Go, also where it was ignored: shells start their background jobs so.
  if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) return;
  action.sa_handler = on_quit;
  action.sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  os::set_handler_unseen(SIGQUIT, &action, nullptr);
}

}  // namespace

void dump(int descriptor) {
  sched::ensure_started();
  const known_stack known{sched::this_goroutine(), arch::registers_here()};
  on_large_stack([&] { write_dump(descriptor, known, false); });
}

}  // namespace weft::debug

namespace weft::sched {

void install_full_dump() {
  set_full_dump(debug::dump_for);
  debug::handle_quit();
  debug::start_periodic_looks();
  debug::watch_held_locks();
  debug::report_leaks_at_exit();
}

}  // namespace weft::sched
