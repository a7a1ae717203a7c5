// epoll and the eventfd that interrupts it.
#pragma once

#include <cstdint>
#include <span>

#include <sys/epoll.h>

namespace weft::os {

// Failures come back as errno values, 0 is success; errno itself is left as it was.
class epoll {
 public:
  epoll();  // dies with a message where the kernel refuses: nothing works without
  epoll(const epoll&) = delete;
  epoll& operator=(const epoll&) = delete;

  // Edge-triggered, both directions. EPERM: a kind of file that is always ready (regular files, directories).
  [[nodiscard]] [[gnu::noinline]] int add(int fd, std::uint64_t key) noexcept;
  // Only of room to write, the end and errors, until renew().
  [[nodiscard]] [[gnu::noinline]] int mute(int fd, std::uint64_t key) noexcept;
  [[gnu::noinline]] void remove(int fd) noexcept;
  // As add(), also where `fd` was added before, be it as another file: what is ready is told again.
  [[nodiscard]] [[gnu::noinline]] int renew(int fd, std::uint64_t key) noexcept;
  [[nodiscard]] int descriptor() const noexcept { return epoll_; }  // readable while poll() would find something

  // Up to into.size() events; none when `deadline_ns` (CLOCK_MONOTONIC) has come. Returns at once when it has passed.
  [[gnu::noinline]] std::span<epoll_event> wait(std::span<epoll_event> into, std::int64_t deadline_ns) noexcept;
  [[gnu::noinline]] std::span<epoll_event> poll(std::span<epoll_event> into) noexcept;

  // Makes every wait() and poll() return an event with interrupt_key until somebody calls acknowledge().
  static constexpr std::uint64_t interrupt_key = ~std::uint64_t{0};
  [[gnu::noinline]] void interrupt() noexcept;
  [[gnu::noinline]] void acknowledge() noexcept;

 private:
  int control(int operation, int fd, std::uint64_t key, std::uint32_t events) noexcept;

  int epoll_;
  int event_;
};

}  // namespace weft::os
