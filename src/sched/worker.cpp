#include "sched/worker.h"

#include <cfenv>
#include <cxxabi.h>
#include <csignal>
#include <pthread.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/settings.h"
#include "os/process_threads.h"
#include "sched/idle.h"
#include "sched/loop.h"
#include "sched/monitor.h"

namespace weft::sched {

extern "C" {
constinit thread_local worker* weft_this_worker = nullptr;
}

void wait_while_seized(worker& w) noexcept {
  base::backoff spin;
  seizure now;
  while ((now = w.seized.load(base::acquire)) == seizure::looking) spin.wait();
  if (now == seizure::detached) w.seized.store(seizure::none, base::relaxed);  // H3: seen
}

namespace {

constexpr std::size_t native_stack_bytes = 256 * 1024;

// A goroutine that overflows its stack is reported from here (overflow.cpp).
void install_signal_stack(worker& w) {
  void* memory = ::mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t alternate{};
  alternate.ss_sp = memory;
  alternate.ss_size = signal_stack_bytes;
  ::sigaltstack(&alternate, nullptr);
  w.signal_stack.store(memory, base::release);
}

void* begin_worker(void* argument) {
  auto* w = static_cast<worker*>(argument);
  weft_this_worker = w;
  w->tid = os::thread_id();
  w->native_fiber = fiber_of_this_thread();
  w->exceptions = reinterpret_cast<exception_globals*>(abi::__cxa_get_globals());
  w->random_state = 0x9E3779B97F4A7C15ULL ^ (static_cast<std::uint64_t>(w->tid) << 17);
  std::fesetenv(FE_DFL_ENV);  // a new thread inherits its creator's rounding mode: ours may be a pinned goroutine's
  os::adopt_process_affinity();
  os::adopt_signal_mask();
  os::set_timer_slack_1ns();
  install_signal_stack(*w);
  run_loop(*w);
}

void list(worker* w) noexcept {
  worker* first = the.all_workers.load(base::relaxed);
  do w->next_all = first;
  while (!the.all_workers.compare_exchange_weak(first, w, base::release, base::relaxed));
}

}  // namespace

void start_worker(processor* p, runnable carried) {
  const int limit = base::settings().max_threads;
  if (static_cast<int>(the.workers.fetch_add(1, base::relaxed)) >= limit)
    base::fatal("all %d worker threads are blocked outside the runtime (in system calls, C libraries or endless loops): "
                "find what blocks, bound it with a weft::semaphore, or raise WEFT_MAX_THREADS", limit);
  auto* w = new worker;
  w->held = p;
  w->carried = carried;
  w->is_searching = !carried;
  p->holder.store(w, base::release);
  list(w);
  monitor_notice_work();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, native_stack_bytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, begin_worker, w);
  pthread_attr_destroy(&attributes);
  if (failed)
    base::fatal("cannot start worker thread %u (error %d): raise the limit of threads (ulimit -u, the cgroup's pids.max, "
                "kernel.threads-max), or lower WEFT_MAX_THREADS to be told earlier", the.workers.load(base::relaxed), failed);
  pthread_setname_np(thread, "weft-worker");
}

}  // namespace weft::sched
