// poll, ppoll, select, pselect, epoll_wait, epoll_pwait: one park for all the descriptors and the time together.
//
// Libc looks first, without waiting, and it looks again each time something may have changed: what is returned is always
// its own answer. Left to libc are calls with a signal mask: it would be the thread's, for as long as it waits.
#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "hook/park.h"
#include "os/file.h"
#include "sched/seam.h"

namespace weft::hook {
namespace {

using poll::foreign::wait_any;
using poll::foreign::watch;

// `look()` returns what the call would return without waiting; 0: nothing is ready.
template <class Look, class OnThread>
int park_until_ready(std::span<const watch> watches, std::int64_t deadline_ns, Look&& look, OnThread&& on_thread) {
  if (const int ready = look(); ready != 0) return ready;
  // Nothing but a signal would end it, and signals are for threads.
  if (watches.empty() && deadline_ns == os::no_deadline) return on_thread();
  if (!has_scheduler()) return on_thread();
  wait_any sleep(watches);
  if (sleep.failed()) return on_thread();
  while (sleep.wait(deadline_ns)) {
    sleep.look();
    if (const int ready = look(); ready != 0) return ready;
  }
  return look();
}

std::int64_t deadline_of(int timeout_ms) noexcept {
  return timeout_ms < 0 ? os::no_deadline : sched::now_ns() + std::int64_t{timeout_ms} * 1'000'000;
}

std::int64_t deadline_of(const timespec* time) noexcept { return time ? deadline_after(*time) : os::no_deadline; }

// Grows beyond the stack only for many.
class watch_list {
 public:
  void add(const watch& w) {
    if (count_ < few_.size()) few_[count_] = w;
    else if (many_.empty()) many_.assign(few_.begin(), few_.end());
    if (count_++ >= few_.size()) many_.push_back(w);
  }
  [[nodiscard]] std::span<const watch> get() const {
    return many_.empty() ? std::span<const watch>(few_).first(count_) : std::span<const watch>(many_);
  }

 private:
  std::array<watch, 4> few_{};
  std::size_t count_ = 0;
  std::vector<watch> many_;
};

// Hang-ups and errors are told to both directions, asked for or not: one is enough.
watch watch_of(const pollfd& wanted) noexcept {
  const bool write = (wanted.events & (POLLOUT | POLLWRNORM | POLLWRBAND)) != 0;
  const bool read = (wanted.events & ~(POLLOUT | POLLWRNORM | POLLWRBAND)) != 0;
  return {wanted.fd, read || !write, write};
}

template <class OnThread>
int poll_parking(pollfd* fds, nfds_t count, std::int64_t deadline_ns, OnThread&& on_thread) {
  const int ready = real::poll(fds, count, 0);  // also refuses what is no array of descriptors
  if (ready != 0) return ready;
  watch_list watches;
  for (nfds_t i = 0; i < count; ++i)
    if (fds[i].fd >= 0) watches.add(watch_of(fds[i]));
  return park_until_ready(watches.get(), deadline_ns, [=] { return real::poll(fds, count, 0); }, on_thread);
}

// The three sets of a select, of any size.
class selection {
 public:
  selection(int count, fd_set* read, fd_set* write, fd_set* except)
      : count_(count), sets_{read, write, except}, words_((static_cast<std::size_t>(count) + bits - 1) / bits) {
    for (fd_set* set : sets_)
      if (set) wanted_.insert(wanted_.end(), words_of(set), words_of(set) + words_);
  }

  [[nodiscard]] watch_list watches() const {
    watch_list list;
    for (int fd = 0; fd < count_; ++fd) {
      const bool read = has(0, fd) || has(2, fd), write = has(1, fd);
      if (read || write) list.add({fd, read, write});
    }
    return list;
  }
  int look() {
    restore();
    timeval at_once{};
    return real::select(count_, sets_[0], sets_[1], sets_[2], &at_once);
  }
  void restore() noexcept {
    const long* from = wanted_.data();
    for (fd_set* set : sets_) {
      if (!set) continue;
      std::copy_n(from, words_, words_of(set));
      from += words_;
    }
  }

 private:
  static constexpr std::size_t bits = 8 * sizeof(long);
  static long* words_of(fd_set* set) noexcept { return reinterpret_cast<long*>(set); }
  [[nodiscard]] bool has(int which, int fd) const noexcept {
    if (!sets_[which]) return false;
    std::size_t before = 0;
    for (int i = 0; i < which; ++i) before += sets_[i] ? words_ : 0;
    const auto n = static_cast<std::size_t>(fd);
    return (static_cast<unsigned long>(wanted_[before + n / bits]) >> (n % bits) & 1) != 0;
  }

  const int count_;
  fd_set* const sets_[3];
  const std::size_t words_;  // of each set
  std::vector<long> wanted_;
};

template <class OnThread>
int select_parking(int count, fd_set* read, fd_set* write, fd_set* except, std::int64_t deadline_ns, OnThread&& on_thread) {
  selection sets(count, read, write, except);
  const watch_list watches = sets.watches();
  return park_until_ready(watches.get(), deadline_ns, [&] { return sets.look(); }, [&] {
    sets.restore();
    return on_thread();
  });
}

// Linux leaves the time that was not slept.
void leave_rest(timeval& time, std::int64_t deadline_ns) noexcept {
  const timespec left = span_until(deadline_ns);
  time = {left.tv_sec, left.tv_nsec / 1000};
}

// The kernel looks at no more descriptors than the process has room for, so programs ask for all that there may be
// (getdtablesize()) with sets that end long before. 0: unknown.
int count_looked_at(int count) noexcept {
  if (count <= FD_SETSIZE) return count;
  char buffer[1024];
  constexpr std::string_view name = "FDSize:";
  const std::string_view status = os::read_file("/proc/self/status", buffer);
  std::size_t at = status.find(name);
  if (at == status.npos) return 0;
  at = status.find_first_not_of(" \t", at + name.size());
  int room = 0;
  if (at != status.npos) std::from_chars(status.data() + at, status.data() + status.size(), room);
  return std::min(count, room);
}

timespec span_of(const timeval& t) noexcept { return {t.tv_sec, t.tv_usec * 1000}; }
bool is_zero(const timespec& t) noexcept { return t.tv_sec == 0 && t.tv_nsec == 0; }

template <class OnThread>
int epoll_parking(int fd, epoll_event* into, int most, std::int64_t deadline_ns, OnThread&& on_thread) {
  const watch one{fd, true, false};
  const auto look = [=] { return real::epoll_wait(fd, into, most, 0); };
  return park_until_ready(std::span(&one, 1), deadline_ns, look, on_thread);
}

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

extern "C" {

int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  if (timeout_ms == 0 || !may_park()) return real::poll(fds, count, timeout_ms);
  const auto on_thread = [=] { return real::poll(fds, count, timeout_ms); };
  return with_errno([&] { return poll_parking(fds, count, deadline_of(timeout_ms), on_thread); });
}

int ppoll(pollfd* fds, nfds_t count, const timespec* time, const sigset_t* mask) {
  const auto on_thread = [=] { return real::ppoll(fds, count, time, mask); };
  if (mask || (time && (!is_time(*time) || is_zero(*time))) || !may_park()) return on_thread();
  return with_errno([&] { return poll_parking(fds, count, deadline_of(time), on_thread); });
}

int select(int count, fd_set* read, fd_set* write, fd_set* except, timeval* time) {
  const auto on_thread = [=] { return real::select(count, read, write, except, time); };
  if (count < 0 || (time && (!is_time(span_of(*time)) || is_zero(span_of(*time)))) || !may_park()) return on_thread();
  const int looked_at = count_looked_at(count);
  if (looked_at == 0 && count != 0) return on_thread();
  const std::int64_t deadline_ns = time ? deadline_after(span_of(*time)) : weft::os::no_deadline;
  const int ready = with_errno([&] { return select_parking(looked_at, read, write, except, deadline_ns, on_thread); });
  if (time) leave_rest(*time, deadline_ns);
  return ready;
}

int pselect(int count, fd_set* read, fd_set* write, fd_set* except, const timespec* time, const sigset_t* mask) {
  const auto on_thread = [=] { return real::pselect(count, read, write, except, time, mask); };
  if (mask || count < 0 || (time && (!is_time(*time) || is_zero(*time))) || !may_park()) return on_thread();
  const int looked_at = count_looked_at(count);
  if (looked_at == 0 && count != 0) return on_thread();
  return with_errno([&] { return select_parking(looked_at, read, write, except, deadline_of(time), on_thread); });
}

int epoll_wait(int fd, epoll_event* into, int most, int timeout_ms) {
  if (timeout_ms == 0 || !may_park()) return real::epoll_wait(fd, into, most, timeout_ms);
  const auto on_thread = [=] { return real::epoll_wait(fd, into, most, timeout_ms); };
  return with_errno([&] { return epoll_parking(fd, into, most, deadline_of(timeout_ms), on_thread); });
}

int epoll_pwait(int fd, epoll_event* into, int most, int timeout_ms, const sigset_t* mask) {
  const auto on_thread = [=] { return real::epoll_pwait(fd, into, most, timeout_ms, mask); };
  if (mask || timeout_ms == 0 || !may_park()) return on_thread();
  return with_errno([&] { return epoll_parking(fd, into, most, deadline_of(timeout_ms), on_thread); });
}

int epoll_pwait2(int fd, epoll_event* into, int most, const timespec* time, const sigset_t* mask) {
  const auto on_thread = [=] { return real::epoll_pwait2(fd, into, most, time, mask); };
  if (mask || (time && (!is_time(*time) || is_zero(*time))) || !may_park()) return on_thread();
  return with_errno([&] { return epoll_parking(fd, into, most, deadline_of(time), on_thread); });
}

}  // extern "C"
