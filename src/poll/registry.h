// All descriptors there are, in chunks that are never freed: an index finds a descriptor whatever became of it.
#pragma once

#include <cstdint>

#include "poll/descriptor.h"

namespace weft::poll {

class registry {
 public:
  // A descriptor of a new generation, opened; null when there are as many as there can be.
  static descriptor* take(int fd);
  static void give_back(descriptor* d) noexcept;

  static std::uint64_t key_of(const descriptor& d) noexcept { return d.key(); }
  // What the kernel told of the descriptor that had this key when it was added.
  static void post(std::uint64_t key, std::uint32_t what, sched::ready_list& woken) noexcept;

  // What post() will touch, asked for ahead: first the descriptor, and when that has come, who waits for data from it.
  static void prefetch(std::uint64_t key) noexcept;
  static void prefetch_sleeper(std::uint64_t key) noexcept;

  // What is told of `d` is that there is more to post: `collect` does it. For at most two descriptors, for ever.
  static void relay(const descriptor& d, void (*collect)(sched::ready_list& woken)) noexcept;

  // act(fd), if the descriptor that had this key is still open; the fd stays open meanwhile.
  template <class Act>
  static void with_fd(std::uint64_t key, Act&& act) {
    descriptor& d = at(key);
    d.with_fd([&](int fd) {
      if (d.key() == key) act(fd);
    });
  }

  [[nodiscard]] static bool is_empty() noexcept;
  [[nodiscard]] static bool awaited() noexcept;  // somebody waits for one of them, or for what is counted here:
  static inline base::atomic<std::uint32_t> expected{0};  // what one of them will tell of for sure (file_requests.h, Q3)

 private:
  static descriptor& at(std::uint64_t key) noexcept;
  static descriptor* pop_free() noexcept;
  static bool add_chunk();
};

}  // namespace weft::poll
