// Goroutine dumps. The full one, with stacks and symbols, is src/debug's. It allocates and reads files, so a goroutine that
// dies leaves it to the monitor's thread (errand.h) and waits. When the monitor does not come, faults or takes too long,
// what is printed here is what there is, one paragraph for each goroutine, in the order of their stacks in memory:
//
//   goroutine 17 [chan receive, 312 ms]: reader
//     waits for 0x7f0c1c000b80
//     created by main()+0x4e in goroutine 1
//
// This works in signal handlers and on a broken heap: nothing is allocated and no lock is taken. What is printed of a
// goroutine that runs meanwhile may be out of date.
#include "sched/dump.h"

#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <exception>
#include <execinfo.h>
#include <typeinfo>
#include <unistd.h>

#include "base/fatal.h"
#include "os/clock.h"
#include "sched/birth.h"
#include "sched/errand.h"
#include "sched/idle.h"
#include "sched/worker.h"

namespace weft::sched {
namespace {

void print_site(const void* address) {
  Dl_info symbol{};
  if (!::dladdr(address, &symbol) || !symbol.dli_fname) return base::print_error("%p", address);
  const auto offset = [&](const void* base) { return static_cast<unsigned long>(static_cast<const char*>(address) - static_cast<const char*>(base)); };
  if (symbol.dli_sname) base::print_error("%s+0x%lx (", symbol.dli_sname, offset(symbol.dli_saddr));
  base::print_error("%s+0x%lx", symbol.dli_fname, offset(symbol.dli_fbase));
  if (symbol.dli_sname) base::print_error(")");
}

void print_age(std::int64_t ns) {
  if (ns < 1'000'000'000) base::print_error("%lld ms", static_cast<long long>(ns / 1'000'000));
  // GCOVR_EXCL_START: a test would have to wait for as long
  else if (ns < 120'000'000'000) base::print_error("%lld seconds", static_cast<long long>(ns / 1'000'000'000));
  else base::print_error("%lld minutes", static_cast<long long>(ns / 60'000'000'000));
  // GCOVR_EXCL_STOP
}

void print_goroutine(const goroutine& g, std::int64_t now_ns) {
  const wait_reason reason = g.reason.load(base::relaxed);
  base::print_error("\ngoroutine %llu [%s", static_cast<unsigned long long>(g.id), describe(reason));
  if (reason != wait_reason::none && g.membership) {
    base::print_error(", virtual time");
  } else if (reason != wait_reason::none) {
    base::print_error(", ");
    print_age(now_ns - g.since_ns.load(base::relaxed));
  }
  base::print_error("]:%s%s\n", *g.name ? " " : "", g.name);
  if (const void* object = g.object.load(base::relaxed); object && reason != wait_reason::none)
    base::print_error("  waits for %p\n", object);
  base::print_error("  created by ");
  print_site(g.start_site);
  if (g.creator) base::print_error(" in goroutine %llu", static_cast<unsigned long long>(g.creator));
  base::print_error("\n");
}

void print_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) return;
  char* readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, nullptr);
  const char* name = readable ? readable : type->name();
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception& e) {
    base::print_error("weft: fatal: exception left a goroutine: %s: %s\n", name, e.what());
  } catch (const char* text) {
    base::print_error("weft: fatal: exception left a goroutine: %s: %s\n", name, text);
  } catch (...) {
    base::print_error("weft: fatal: exception left a goroutine: %s\n", name);
  }
  std::free(readable);
}

std::terminate_handler former_terminate = nullptr;
base::atomic<full_dump> full{nullptr};
base::atomic<const void*> fault{nullptr};

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t begin_patience_ns = second, end_patience_ns = 60 * second;

// Where the calling goroutine is, or was when it faulted. Inlined: the frame noted must last until the stack is walked.
[[gnu::always_inline]] inline dump_request request_here(dump_request::cause why) noexcept {
  dump_request request{.why = why, .who = this_goroutine(), .frame = {}};
  const void* context = fault.exchange(nullptr, base::relaxed);
  request.frame = context ? arch::registers_of(context) : arch::registers_here();
  return request;
}

void print_own_stack() {
  void* frames[64];
  const int count = ::backtrace(frames, 64);
  ::backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

void dump_plainly(const dump_request& request) {
  if (const goroutine* g = this_goroutine(); g && g == request.who) {
    print_goroutine(*g, os::monotonic_ns());
    base::print_error("  stack:\n");
    print_own_stack();
  }
  dump_goroutines();
}

[[noreturn]] void report_terminate() {
  if (this_goroutine()) {
    const bool is_exception = abi::__cxa_current_exception_type() != nullptr;
    if (is_exception) print_exception();
    else base::print_error("weft: fatal: std::terminate called on a goroutine\n");
    dump_all(request_here(is_exception ? dump_request::cause::exception : dump_request::cause::fatal));
    std::abort();
  }
  if (former_terminate) former_terminate();
  std::abort();  // GCOVR_EXCL_LINE: a terminate handler does not return
}

void dump_for_fatal() {
  const bool is_fault = fault.load(base::relaxed) != nullptr;
  dump_all(request_here(is_fault ? dump_request::cause::overflow : dump_request::cause::fatal));
}

}  // namespace

void set_full_dump(full_dump dump) noexcept { full.store(dump, base::release); }
void note_fault(const void* context) noexcept { fault.store(context, base::relaxed); }

void dump_all_here(const dump_request& request) {
  if (full_dump dump = full.load(base::acquire)) dump(request);
  else dump_plainly(request);
}

void dump_all(dump_request request) noexcept {
  // Static: the monitor may come to it after we have given up.
  static dump_request posted;
  static base::atomic<bool> is_posted{false};
  if (!full.load(base::acquire) || is_posted.exchange(true, base::acq_rel)) return dump_plainly(request);
  posted = request;
  const auto job = [](void* what) { full.load(base::acquire)(*static_cast<dump_request*>(what)); };
  if (post_errand(job, &posted)) {
    errand_state got = wait_for_errand(errand_state::begun, begin_patience_ns);
    if (got >= errand_state::begun) got = wait_for_errand(errand_state::done, end_patience_ns);
    if (got == errand_state::done) return forget_errand();
    base::print_error("\nweft: the dump %s; in short:\n", got == errand_state::faulted ? "came upon broken memory"
                                                         : got == errand_state::begun   ? "takes too long"
                                                                                        : "did not begin");
  }
  dump_plainly(request);
}

void dump_goroutines() {
  constexpr std::size_t most = 10'000;
  const std::int64_t now = os::monotonic_ns();
  const goroutine* own = this_goroutine();
  std::size_t printed = 0, left_out = 0;
  stack::for_each_live([&](std::byte* top, std::byte*) {
    const goroutine* g = goroutine_at(top);
    if (g == own || g->mark.load(base::acquire) != goroutine::alive_mark) return;
    if (printed == most) ++left_out;
    else print_goroutine(*g, now), ++printed;
  });
  if (left_out) base::print_error("\n... and %zu more goroutines\n", left_out);
}

void install_dump() {
  void* warm[1];
  ::backtrace(warm, 1);  // loads libgcc_s now: later it would allocate
  base::on_fatal(dump_for_fatal);
  former_terminate = std::set_terminate(report_terminate);
}

}  // namespace weft::sched
