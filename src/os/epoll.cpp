#include "os/epoll.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/fatal.h"
#include "base/race.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/keep_errno.h"

namespace weft::os {

// Whichever goroutine comes first makes the poller, and all use it: the race detector takes no notice.
epoll::epoll() {
  const base::race::mute unheard;
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;  // level-triggered: who only polls must not take the interruption from who waits
  event.data.u64 = interrupt_key;
  if (epoll_ < 0 || event_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) != 0)
    base::fatal("cannot create the poller (error %d): raise the limit of open files (ulimit -n)", errno);
}

namespace {
constexpr std::uint32_t muted = EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t everything = muted | EPOLLIN | EPOLLPRI;
}  // namespace

int epoll::control(int operation, int fd, std::uint64_t key, std::uint32_t events) noexcept {
  const base::race::mute unheard;
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0 ? 0 : errno;
}

int epoll::add(int fd, std::uint64_t key) noexcept {
  keep_errno kept;
  return control(EPOLL_CTL_ADD, fd, key, everything);
}

int epoll::renew(int fd, std::uint64_t key) noexcept {
  keep_errno kept;
  const int changed = control(EPOLL_CTL_MOD, fd, key, everything);
  if (changed != ENOENT) return changed;
  const int added = control(EPOLL_CTL_ADD, fd, key, everything);
  return added == EEXIST ? control(EPOLL_CTL_MOD, fd, key, everything) : added;  // another has added it meanwhile
}

int epoll::mute(int fd, std::uint64_t key) noexcept {
  keep_errno kept;
  return control(EPOLL_CTL_MOD, fd, key, muted);
}

void epoll::remove(int fd) noexcept {
  keep_errno kept;
  const base::race::mute unheard;
  epoll_event ignored{};
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &ignored);
}

std::span<epoll_event> epoll::poll(std::span<epoll_event> into) noexcept {
  keep_errno kept;
  const base::race::mute unheard;
  const int count = ::epoll_wait(epoll_, into.data(), static_cast<int>(into.size()), 0);
  return into.first(count > 0 ? static_cast<std::size_t>(count) : 0);
}

std::span<epoll_event> epoll::wait(std::span<epoll_event> into, std::int64_t deadline_ns) noexcept {
  keep_errno kept;
  const base::race::mute unheard;
  timespec left{};
  if (deadline_ns != no_deadline) {
    const std::int64_t ns = deadline_ns - monotonic_ns();
    if (ns <= 0) return poll(into);
    left = {ns / 1'000'000'000, ns % 1'000'000'000};
  }
  timespec* const limit = deadline_ns == no_deadline ? nullptr : &left;
  const int count = ::epoll_pwait2(epoll_, into.data(), static_cast<int>(into.size()), limit, nullptr);
  if (count >= 0) return into.first(static_cast<std::size_t>(count));
  if (errno != ENOSYS) return {};
  // Before Linux 5.11 epoll counts in milliseconds; ppoll() on the epoll descriptor does not.
  pollfd self{epoll_, POLLIN, 0};
  return ::ppoll(&self, 1, limit, nullptr) > 0 ? poll(into) : std::span<epoll_event>{};
}

void epoll::interrupt() noexcept {
  keep_errno kept;
  const base::race::mute unheard;
  const std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(event_, &one, sizeof one);
}

void epoll::acknowledge() noexcept {
  keep_errno kept;
  const base::race::mute unheard;
  std::uint64_t count;
  [[maybe_unused]] auto got = ::read(event_, &count, sizeof count);
}

}  // namespace weft::os
