#include "os/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace weft::os {

static_assert(sizeof(base::atomic<std::uint32_t>) == sizeof(std::uint32_t),
              "the kernel reads the atomic as a plain word");

int futex_wait(base::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t deadline_ns) noexcept {
  const int saved_errno = errno;
  timespec deadline;
  const timespec* timeout = nullptr;
  if (deadline_ns != no_deadline) {
    const std::int64_t ns = std::max<std::int64_t>(deadline_ns, 0);  // the kernel refuses negative times
    deadline.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    deadline.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    timeout = &deadline;
  }
  // WAIT_BITSET, because plain FUTEX_WAIT takes a relative timeout.
  const long rc = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, timeout, nullptr,
                          FUTEX_BITSET_MATCH_ANY);
  const int result = rc == 0 ? 0 : errno;
  errno = saved_errno;
  return result;
}

int futex_wake(base::atomic<std::uint32_t>& word, int count) noexcept {
  const int saved_errno = errno;
  const long woken = syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, nullptr, nullptr, 0);
  errno = saved_errno;
  return woken > 0 ? static_cast<int>(woken) : 0;
}

}  // namespace weft::os
