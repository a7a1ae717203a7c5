// A goroutine that runs over the end of its stack touches the guard below it. The kernel's signal is taken on the
// worker's signal stack: if the address lies in a guard, the goroutine is reported with its stack's size and how to get
// a larger one; anything else goes to whoever handled the signal before. Where no guard can fault, a canary below the
// stack is checked at each park and at the end.
#include "sched/overflow.h"

#include <csignal>
#include <initializer_list>

#include "base/fatal.h"
#include "os/replace_handler.h"
#include "sched/dump.h"
#include "sched/errand.h"
#include "sched/worker.h"
#include "stack/stack.h"

namespace weft::sched {
namespace {

struct sigaction former_segv, former_bus;

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& former = signal == SIGSEGV ? former_segv : former_bus;
  if (former.sa_flags & SA_SIGINFO) return former.sa_sigaction(signal, info, context);
  if (former.sa_handler != SIG_DFL && former.sa_handler != SIG_IGN) return former.sa_handler(signal);
  // The instruction is repeated, and ends the process.
  ::signal(signal, SIG_DFL);  // GCOVR_EXCL_LINE: the counters end with the process (stack_overflow.another_segm…)
}

void on_fault(int signal, siginfo_t* info, void* context) {
  give_up_errand();
  goroutine* g = this_goroutine();
  const stack::found where = stack::find(info->si_addr);
  if (g && !where.in_guard && stack::guard() == stack::guard_kind::canary)
    base::print_error("weft: fault at %p in goroutine %llu [%s]; stacks have no guard that faults here: perhaps its stack of "
                      "%zu KiB overflowed\n", info->si_addr, static_cast<unsigned long long>(g->id), g->name,
                      g->stack.size() / 1024);
  if (!g || !where.in_guard) return pass_on(signal, info, context);
  note_fault(context);
  report_overflow(*g, static_cast<std::size_t>(where.top - where.base));
}

}  // namespace

void report_overflow(const goroutine& g, std::size_t stack_bytes) {
  const std::size_t kib = stack_bytes / 1024;
  base::fatal("stack overflow in goroutine %llu%s%s%s: its stack of %zu KiB is full. Find the runaway recursion or the "
              "large local, or give it more: weft::go({.stack_size = %zu << 10}, ...) for this one, WEFT_STACK_SIZE=%zuk "
              "for all", static_cast<unsigned long long>(g.id), *g.name ? " [" : "", g.name, *g.name ? "]" : "", kib,
              kib * 4, kib * 4);
}

void install_overflow_report() {
  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  os::replace_handler(SIGSEGV, action, former_segv);
  os::replace_handler(SIGBUS, action, former_bus);
}

}  // namespace weft::sched
