// What stands between descriptors and the kernel: epoll or io_uring. Chosen when the first descriptor is opened.
#pragma once

#include <cstdint>

#include "sched/poller.h"

namespace weft::poll {

class backend : public sched::poller {
 public:
  // From here on the kernel's changes of `fd` are posted to `key` (registry.h). Returns 0, or an errno value: EPERM for a
  // kind of file that is always ready.
  virtual int add(int fd, std::uint64_t key) = 0;
  // Tells of nothing but room to write, the peer's end and errors, until unmute(), which tells again what is there. False:
  // this backend cannot.
  virtual bool mute(int fd, std::uint64_t key) noexcept = 0;
  virtual void unmute(int fd, std::uint64_t key) noexcept = 0;
  virtual void remove(int fd, std::uint64_t key) noexcept = 0;  // before fd is closed
};

// Starts it, and registers it with the scheduler, at the first call.
backend& current_backend();

}  // namespace weft::poll
