// The runtime: goroutines and the processors that run them.
//
//   int main() {
//     return weft::run([] {
//       weft::wait_group wg;
//       for (int i = 0; i < 10'000; ++i) wg.go([] { weft::sleep(1s); });
//       wg.wait();
//     });
//   }
//
// Any thread may call anything here; the runtime starts on first use and lives until the process exits. At exit, workers
// stop before static destructors run; goroutines still alive are neither waited for nor unwound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include <weft/detail/atomic.h>
#include <weft/detail/newborn.h>

namespace weft {

struct run_options {
  int procs = 0;               // 0: WEFT_PROCS, or the CPUs usable by this process
  std::size_t stack_size = 0;  // bytes per goroutine; 0: WEFT_STACK_SIZE, or 224 KiB
};

struct go_options {
  const char* name = "";       // shown in dumps; not copied: a literal, or text that outlives the goroutine
  std::size_t stack_size = 0;  // bytes, rounded up to pages; 0: the default
};

namespace detail {

// Runs `call(argument)` on a goroutine and blocks the caller until it has returned.
void run_main(void (*call)(void*), void* argument, const run_options& options);

class blocking_scope {
 public:
  blocking_scope();
  ~blocking_scope();  // keeps errno as the call left it, also when the goroutine continues on another thread
  blocking_scope(const blocking_scope&) = delete;
  blocking_scope& operator=(const blocking_scope&) = delete;

 private:
  bool released_;
};

void pin();
void unpin();

}  // namespace detail

// Runs main on a goroutine and returns what it returned (0 for void). An exception that leaves main is rethrown here.
// Other goroutines are not waited for. May be called again, from any thread or goroutine.
template <class F>
int run(F main, run_options options = {}) {
  struct call {
    F& main;
    int status = 0;
    std::exception_ptr thrown;
  } state{main, 0, nullptr};
  detail::run_main(
      [](void* argument) {
        auto& self = *static_cast<call*>(argument);
        try {
          if constexpr (std::is_void_v<std::invoke_result_t<F&>>) self.main();
          else self.status = static_cast<int>(self.main());
        } catch (...) {
          self.thrown = std::current_exception();
        }
      },
      &state, options);
  if (state.thrown) std::rethrow_exception(std::move(state.thrown));
  return state.status;
}

// The number of goroutines that may run at once. set_procs returns the previous value; n < 1 changes nothing. The default
// follows the affinity mask and the cgroup CPU quota while the process runs, until set_procs or WEFT_PROCS fixes it.
int procs();
int set_procs(int n);

std::size_t goroutines();      // alive: running, runnable or parked
bool on_goroutine();           // false on a plain thread
std::uint64_t goroutine_id();  // unique in the process, never reused; 0 on a plain thread

// Starts f(args...) as a goroutine, detached; the arguments are decay-copied as std::thread does. Never blocks. An
// exception that leaves f ends the process with a report. Throws std::bad_alloc, or what copying throws.
template <class F, class... Args>
  requires(!std::is_same_v<std::decay_t<F>, go_options>)
[[gnu::always_inline]] inline void go(F&& f, Args&&... args) {
  detail::start(std::forward<F>(f), std::forward<Args>(args)...);
  base::compiler_fence();  // no tail call: spawn() notes where it will return to
}
template <class F, class... Args>
[[gnu::always_inline]] inline void go(go_options options, F&& f, Args&&... args) {
  detail::spawn(detail::make_newborn(std::forward<F>(f), std::forward<Args>(args)...), options.name, options.stack_size);
  base::compiler_fence();
}

// Lets other goroutines run; on a plain thread, other threads.
void yield();

// Keeps the goroutine on its thread, and other goroutines off it, from construction to destruction. Scopes nest. On a
// plain thread it does nothing. For thread_local state, thread priorities, and libraries that want one thread.
class thread_pin {
 public:
  thread_pin() { detail::pin(); }
  ~thread_pin() { detail::unpin(); }
  thread_pin(const thread_pin&) = delete;
  thread_pin& operator=(const thread_pin&) = delete;
};

// Runs f at once, as a call that may block its thread: other goroutines get the processor meanwhile. Returns what f
// returns; errno survives. Undeclared blocking works too, but is noticed only after up to 10 ms.
template <class F>
decltype(auto) blocking(F&& f) {
  detail::blocking_scope scope;
  return std::forward<F>(f)();
}

}  // namespace weft
