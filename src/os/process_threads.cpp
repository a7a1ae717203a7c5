#include "os/process_threads.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "base/atomic.h"
#include "os/file.h"
#include "os/keep_errno.h"

namespace weft::os {

std::string_view stat_field(std::string_view stat, int n) noexcept {
  const std::size_t command_end = stat.rfind(')');
  if (command_end == stat.npos) return {};
  stat.remove_prefix(command_end + 1);
  for (int field = 3; !stat.empty(); ++field) {
    stat.remove_prefix(1);  // the space before the field
    const std::string_view value = stat.substr(0, stat.find(' '));
    if (field == n) return value;
    stat.remove_prefix(value.size());
  }
  return {};
}

pid_t thread_id() noexcept { return static_cast<pid_t>(syscall(SYS_gettid)); }

namespace {
base::atomic<pid_t> claimed_by{0};
}

void claim_process() noexcept { claimed_by.store(::getpid(), base::relaxed); }
bool owns_process() noexcept { return claimed_by.load(base::relaxed) == ::getpid(); }

int thread_count() noexcept {
  char buffer[1024];
  const std::string_view count = stat_field(read_file("/proc/self/stat", buffer), 20);
  int threads = -1;
  std::from_chars(count.data(), count.data() + count.size(), threads);
  return threads;
}

std::int64_t thread_cpu_ns(pid_t thread) noexcept {
  keep_errno keep;
  // The kernel's numbering of CPU clocks (posix-timers.h): the id inverted above three bits that say "of a thread" (4)
  // and "as the scheduler counts" (2). pthread_getcpuclockid gives the same, but only for a pthread_t.
  const auto clock = static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | 6);
  timespec used;
  if (thread <= 0 || clock_gettime(clock, &used) != 0) return -1;
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

char thread_stat_state(pid_t thread) noexcept {
  char path[64], buffer[1024];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
  const std::string_view state = stat_field(read_file(path, buffer), 3);
  return state.empty() ? '\0' : state.front();
}

bool set_timer_slack_1ns() noexcept {
  keep_errno keep;
  return prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0;
}

void adopt_process_affinity() noexcept {
  keep_errno keep;
  cpu_set_t few;
  // More than 1,024 CPUs do not fit; then the inherited mask stays.
  if (::sched_getaffinity(::getpid(), sizeof few, &few) == 0) ::sched_setaffinity(0, sizeof few, &few);
}

namespace {
sigset_t kept_mask;  // written before there is a worker
}

void keep_signal_mask() noexcept { ::pthread_sigmask(SIG_SETMASK, nullptr, &kept_mask); }
void adopt_signal_mask() noexcept { ::pthread_sigmask(SIG_SETMASK, &kept_mask, nullptr); }

bool set_batch(pid_t thread, bool is_batch) noexcept {
  keep_errno keep;
  if (thread <= 0) return false;
  const int present = sched_getscheduler(thread);
  const bool inherits_reset = present >= 0 && (present & SCHED_RESET_ON_FORK) != 0;
  const int policy = present & ~SCHED_RESET_ON_FORK;
  if (present < 0 || (policy != SCHED_OTHER && policy != SCHED_BATCH)) return false;
  const int wanted = is_batch ? SCHED_BATCH : SCHED_OTHER;
  if (policy == wanted) return true;
  const sched_param no_priority{};
  return sched_setscheduler(thread, wanted | (inherits_reset ? SCHED_RESET_ON_FORK : 0), &no_priority) == 0;
}

}  // namespace weft::os
