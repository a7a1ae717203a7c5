#include "os/thread_places.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/keep_errno.h"
#include "os/process_threads.h"

namespace weft::os {

bool find_blocked_place(pid_t thread, blocked_place& place) noexcept {
  const keep_errno keep;
  char path[64], text[256];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/syscall", static_cast<int>(thread));
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  place = {};
  if (std::strncmp(text, "running", 7) == 0) return true;
  // "NUMBER ARGUMENT×6 SP PC", or "-1 SP PC" for a thread that is blocked, but not in a system call (a page fault).
  char* rest = text;
  place.call = std::strtol(rest, &rest, 10);
  for (int skipped = 0; place.call >= 0 && skipped < 6; ++skipped) std::strtoull(rest, &rest, 16);
  place.sp = std::strtoull(rest, &rest, 16);
  place.pc = std::strtoull(rest, &rest, 16);
  place.is_blocked = place.sp != 0 && place.pc != 0;
  return true;
}

std::vector<pid_t> all_threads() {
  const keep_errno keep;
  std::vector<pid_t> found;
  DIR* const threads = ::opendir("/proc/self/task");
  if (!threads) return found;
  while (const dirent* entry = ::readdir(threads))
    if (const int thread = std::atoi(entry->d_name); thread > 0) found.push_back(thread);
  ::closedir(threads);
  return found;
}

std::vector<std::uint64_t> blocked_stack_pointers() {
  std::vector<std::uint64_t> found;
  blocked_place place;
  for (const pid_t thread : all_threads())
    if (find_blocked_place(thread, place) && place.is_blocked) found.push_back(place.sp);
  return found;
}

namespace {

// One visit at a time; the states of its word:
enum : std::uint32_t { nobody, called, there, done };
base::atomic<std::uint32_t> visit_state{nobody};  // futex
base::atomic<std::uint32_t> visit_turn{0};        // futex; 1: somebody visits
base::atomic<pid_t> visited{0};
void (*visit_what)(void*, void*) = nullptr;       // these two: written by the visitor before `called`
void* visit_argument = nullptr;
base::atomic<int> visit_signal{0};                // 0: none chosen yet; -1: none free

void on_visit(int, siginfo_t*, void* context) {
  const keep_errno keep;
  if (visited.load(base::acquire) != thread_id()) return;
  std::uint32_t expected = called;
  if (!visit_state.compare_exchange_strong(expected, there, base::acquire, base::relaxed)) return;  // too late
  visit_what(visit_argument, context);
  visit_state.store(done, base::release);
  futex_wake(visit_state, 1);
}

// REQUIRES: visit_turn is ours.
int choose_signal() noexcept {
  if (const int chosen = visit_signal.load(base::relaxed)) return chosen;
  int chosen = -1;
  for (int candidate = SIGRTMAX; candidate > SIGRTMIN && chosen < 0; --candidate) {
    struct sigaction action{};
    if (::sigaction(candidate, nullptr, &action) != 0 || action.sa_flags & SA_SIGINFO || action.sa_handler != SIG_DFL) continue;
    action.sa_sigaction = on_visit;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    if (::sigaction(candidate, &action, nullptr) == 0) chosen = candidate;
  }
  visit_signal.store(chosen, base::relaxed);
  return chosen;
}

bool take_turn(std::int64_t until_ns) noexcept {
  while (visit_turn.exchange(1, base::acquire) != 0) {
    if (monotonic_ns() >= until_ns) return false;
    futex_wait(visit_turn, 1, until_ns);
  }
  return true;
}

bool wait_for_visit(std::int64_t until_ns) noexcept {
  for (std::uint32_t state; (state = visit_state.load(base::acquire)) != done;) {
    if (monotonic_ns() < until_ns) {
      futex_wait(visit_state, state, until_ns);
      continue;
    }
    // A handler that has begun is waited for: it runs on our data, and not for long.
    if (state == called && visit_state.compare_exchange_strong(state, nobody, base::acquire, base::relaxed)) return false;
    futex_wait(visit_state, there, no_deadline);
  }
  return true;
}

}  // namespace

bool visit_thread(pid_t thread, void (*visit)(void*, void*), void* argument, std::int64_t patience_ns) noexcept {
  const keep_errno keep;
  const std::int64_t until = monotonic_ns() + patience_ns;
  if (!take_turn(until)) return false;
  bool was_there = false;
  if (const int signal = choose_signal(); signal > 0) {
    visit_what = visit;
    visit_argument = argument;
    visited.store(thread, base::relaxed);
    visit_state.store(called, base::release);  // pairs with the exchange in the handler: it sees what to do
    if (::syscall(SYS_tgkill, ::getpid(), thread, signal) == 0) was_there = wait_for_visit(until);
    visited.store(0, base::relaxed);
    visit_state.store(nobody, base::relaxed);
  }
  visit_turn.store(0, base::release);
  futex_wake(visit_turn, 1);
  return was_there;
}

}  // namespace weft::os
