// io_uring, as far as a poller needs it: multishot polls, one ring for all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace weft::os {

class uring {
 public:
  // Null where the kernel or a container refuses it, has not all that is needed (Linux 5.19), or weft was built without it.
  static std::unique_ptr<uring> make();
  ~uring();
  uring(const uring&) = delete;
  uring& operator=(const uring&) = delete;

  // A request belongs to the thread that submits it, and ends with that thread: only threads that never end may add.
  // 0, or an errno value.
  [[nodiscard]] [[gnu::noinline]] int add(int fd, std::uint64_t key) noexcept;
  [[gnu::noinline]] void remove(std::uint64_t key) noexcept;  // any thread; the kernel then lets go of the file
  [[gnu::noinline]] void interrupt() noexcept;                // any thread; a completion with interrupt_key

  struct event {
    std::uint64_t key;
    std::uint32_t mask;  // POLLIN and so on; an error as POLLERR
    bool has_ended;      // the kernel gave the poll up: add it again
  };
  static constexpr std::uint64_t interrupt_key = ~std::uint64_t{0};

  // Takes up to into.size() events that are there.
  [[gnu::noinline]] std::span<event> take(std::span<event> into) noexcept;
  // Blocks until there is one, or `deadline_ns` (CLOCK_MONOTONIC) has come.
  [[gnu::noinline]] void wait(std::int64_t deadline_ns) noexcept;

 private:
  struct ring;
  explicit uring(std::unique_ptr<ring> made) noexcept;
  std::unique_ptr<ring> ring_;
};

}  // namespace weft::os
