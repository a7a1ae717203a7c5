#include "machine.h"

#include <setjmp.h>
#include <ucontext.h>

#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include <weft/detail/newborn.h>

#include "base/settings.h"
#include "os/futex.h"
#include "os/process_threads.h"
#include "sched/birth.h"
#include "sched/deadlock.h"
#include "sched/debug_modes.h"
#include "sched/dump.h"
#include "sched/errand.h"
#include "sched/local.h"
#include "sched/loop.h"
#include "sched/monitor.h"
#include "sched/overflow.h"
#include "sched/poller.h"
#include "sched/procs.h"
#include "sched/runtime.h"
#include "sched/sched_trace.h"
#include "sched/seam.h"
#include "stack/stack.h"

extern "C" void weft_goroutine_main();

namespace {

using namespace weft;

constexpr std::size_t stack_bytes = 64 * 1024, control_bytes = 4096;  // a goroutine's control block lies on top
constexpr int most_stacks = 12, most_threads = 8;

// A stack that can be entered at its bottom as often as one likes: engine/schedule.cpp tells how.
struct enterable_stack {
  std::byte* memory = nullptr;
  jmp_buf bottom;
  ucontext_t first, creator;
};

enterable_stack goroutine_stacks[most_stacks], between[most_threads];
bool is_stack_used[most_stacks];
int released_by[most_stacks];  // a thread number + 1: goes back to that thread only, as nothing here orders two threads
constexpr int most_spares = 3;
void* started_workers[most_spares];  // for the spare threads
base::atomic<std::uint32_t> is_started[most_spares];
void* (*monitor_body)(void*);

// Of each thread: the switch under way.
struct {
  arch::context* from;
  arch::context* to;
  void* to_sp;
} switching[most_threads];

[[noreturn]] void arrive(int thread) {
  auto [from, to, to_sp] = switching[thread];
  from->sp.store(from, base::release);  // A2
  if (to->fp) _longjmp(*static_cast<jmp_buf*>(to->fp), 1);
  for (enterable_stack& s : goroutine_stacks)
    if (to_sp >= s.memory && to_sp < s.memory + stack_bytes) _longjmp(s.bottom, 1);
  model::fail("a switch to a context that was never prepared");
}

void goroutine_bottom(int number) {
  enterable_stack& mine = goroutine_stacks[number];
  if (_setjmp(mine.bottom) == 0) ::swapcontext(&mine.first, &mine.creator);
  weft_goroutine_main();
}
void between_bottom(int thread) {
  enterable_stack& mine = between[thread];
  if (_setjmp(mine.bottom) == 0) ::swapcontext(&mine.first, &mine.creator);
  arrive(thread);
}

void open(enterable_stack& s, void (*bottom)(int), int number) {
  s.memory = static_cast<std::byte*>(std::aligned_alloc(4096, stack_bytes));
  ::getcontext(&s.first);
  s.first.uc_stack.ss_sp = s.memory;
  s.first.uc_stack.ss_size = stack_bytes - control_bytes;
  s.first.uc_link = nullptr;
  ::makecontext(&s.first, reinterpret_cast<void (*)()>(bottom), 1, number);
  ::swapcontext(&s.creator, &s.first);
}

}  // namespace

namespace weft::arch {

extern "C" void weft_goroutine_start() {}

void model_switch(context& from, context& to, void* to_sp) noexcept {
  jmp_buf here;
  from.pc = nullptr;
  from.fp = &here;
  const int thread = model::thread_number();
  switching[thread] = {&from, &to, to_sp};
  if (_setjmp(here) == 0) _longjmp(between[thread].bottom, 1);
}

}  // namespace weft::arch

// --- what the scheduler takes from elsewhere --------------------------------------------------------------------------

namespace weft::base {
const setting_values& settings() {
  static const setting_values values;
  return values;
}
}  // namespace weft::base

namespace weft::os {
pid_t thread_id() noexcept { return 1 + model::thread_number(); }
int thread_count() noexcept { return 1; }
std::int64_t thread_cpu_ns(pid_t) noexcept { return 0; }
char thread_stat_state(pid_t) noexcept { return 'S'; }
bool set_timer_slack_1ns() noexcept { return true; }
void adopt_process_affinity() noexcept {}
void adopt_signal_mask() noexcept {}
bool set_batch(pid_t, bool) noexcept { return true; }
}  // namespace weft::os

namespace weft::stack {

namespace detail {
base::atomic<std::uint32_t> epoch{0};
base::atomic<bool> canaries_in_use{false};
bool is_canary_intact(stack_ref) noexcept { return true; }
}  // namespace detail

// The pool is no part of what is checked: its plain flags are hidden from the checker.
__attribute__((no_sanitize("thread"))) stack_ref acquire_sized(std::size_t) {
  for (int i = 0; i < most_stacks; ++i) {
    if (is_stack_used[i] || (released_by[i] != 0 && released_by[i] != model::thread_number() + 1)) continue;
    is_stack_used[i] = true;
    return {goroutine_stacks[i].memory, goroutine_stacks[i].memory + stack_bytes};
  }
  model::fail("more goroutines than the model has stacks");
}
__attribute__((no_sanitize("thread"))) void release_sized(stack_ref s) {
  for (int i = 0; i < most_stacks; ++i)
    if (goroutine_stacks[i].memory == s.base) is_stack_used[i] = false, released_by[i] = model::thread_number() + 1;
}
std::size_t default_size() noexcept { return stack_bytes; }
std::size_t trim(bool) { return 0; }

cache::cache() noexcept : limit_(2), usable_(stack_bytes) {}  // so that births and ends find it as they mostly do
cache::~cache() = default;
stack_ref cache::acquire_slowly() { return acquire_sized(stack_bytes); }
void cache::release_slowly(stack_ref s) { release_sized(s); }
void cache::flush() {
  while (size() != 0) release_sized(take());
}

}  // namespace weft::stack

namespace weft::sched {

base::atomic<bool> started{true};
bool migrate_mode = false;
void start_runtime() {}
bool has_external_source() noexcept { return false; }
void newborn_cache::flush() noexcept {}
void destroy_locals(goroutine&) {}
void report_overflow(const goroutine&, std::size_t) { model::fail("stack overflow"); }
void report_deadlock_if_any() {}
bool errand_is_posted() noexcept { return false; }
void run_errand() {}
std::int64_t trace_schedule(std::int64_t) { return wheel::never; }
void follow_cpu_limits() {}

}  // namespace weft::sched

namespace weft::detail {
newborn* newborn_allocate_large(std::size_t bytes) {
  auto* n = static_cast<newborn*>(::operator new(newborn_header_bytes + bytes));
  n->name = "";
  n->stack_kib = 0;
  n->size_class = 0;
  n->kind = newborn_kind::named;
  return n;
}
newborn* newborn_allocate(int size_class) {
  return newborn_allocate_large(newborn_block_bytes[size_class] - newborn_header_bytes);
}
void newborn_free(newborn* n) noexcept { ::operator delete(n); }
}  // namespace weft::detail

namespace model {

int start_thread(void* argument) noexcept {
  for (int i = 0; i < most_spares; ++i) {
    std::uint32_t no = 0;
    if (!is_started[i].compare_exchange_strong(no, 1, std::memory_order_acq_rel, std::memory_order_relaxed)) continue;
    started_workers[i] = argument;
    is_started[i].store(2, std::memory_order_release);
    weft::os::futex_wake(is_started[i], 1);
    return 0;
  }
  fail("the model has no more spare threads");
}
int start_monitor(void* (*body)(void*)) noexcept {
  monitor_body = body;
  return 0;
}
void machine::run_monitor() { monitor_body(nullptr); }

void use_scheduler() {
  own_per_thread(reinterpret_cast<void**>(&weft::sched::weft_this_worker));
  weft::sched::current_poller();  // made now, not within an execution
  restore_each_time(weft::sched::the);
  restore_each_time(is_stack_used);
  restore_each_time(released_by);
  if (goroutine_stacks[0].memory) return;
  for (int i = 0; i < most_stacks; ++i) open(goroutine_stacks[i], goroutine_bottom, i);
  for (int i = 0; i < most_threads; ++i) open(between[i], between_bottom, i);
}

machine::machine(int procs) {
  using namespace weft::sched;
  the.inject = new private_queue;
  the.limit.store(procs, weft::base::relaxed);
  for (int i = 0; i < procs; ++i) {
    the.processors[i].store(new weft::sched::processor(i), weft::base::release);
    the.created.store(i + 1, weft::base::release);
    put_idle(the.processors[i].load(weft::base::relaxed));
  }
}

weft::sched::processor& machine::processor(int number) noexcept {
  return *weft::sched::the.processors[number].load(weft::base::relaxed);
}

weft::sched::worker& machine::worker_on(int number) {
  using namespace weft::sched;
  auto* w = new worker;
  w->exceptions = new exception_globals;
  the.workers.fetch_add(1, weft::base::relaxed);
  w->next_all = the.all_workers.load(weft::base::relaxed);
  the.all_workers.store(w, weft::base::release);
  if (number < 0) return *w;
  weft::sched::processor* wanted = &processor(number);
  weft::sched::processor* others = nullptr;
  while (weft::sched::processor* p = take_idle()) {
    if (p == wanted) break;
    p->next_idle = others;
    others = p;
  }
  while (weft::sched::processor* p = others) {
    others = p->next_idle;
    put_idle(p);
  }
  hold(*w, wanted);
  return *w;
}

__attribute__((no_sanitize("thread"))) void machine::become(weft::sched::worker& w) noexcept {
  weft::sched::weft_this_worker = &w;
  w.tid = weft::os::thread_id();
}

void machine::run(weft::sched::worker& w) {
  become(w);
  weft::sched::run_loop(w);
}

namespace {

void run_when_started(int number) {
  auto& flag = is_started[number];
  for (std::uint32_t now; (now = flag.load(std::memory_order_acquire)) != 2;)
    weft::os::futex_wait(flag, now, weft::os::no_deadline);
  auto* w = static_cast<weft::sched::worker*>(started_workers[number]);
  w->exceptions = new weft::sched::exception_globals;
  machine::run(*w);
}

}  // namespace

thread spare(int number) {
  static const char* const names[most_spares] = {"spare", "spare 2", "spare 3"};
  return {names[number], [number] { run_when_started(number); }, true};
}

weft::sched::runnable goroutine_of(std::function<void()> body) {
  weft::detail::newborn* n = weft::detail::make_newborn(std::move(body));
  n->id = n->creator = 0;
  n->start_site = nullptr;
  return weft::sched::runnable(n);
}

}  // namespace model
