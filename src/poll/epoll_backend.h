// The poller on epoll: edge-triggered, each descriptor added once for both directions.
//
//   E1  Whoever waits and whoever polls take events from the same kernel queue; each event goes to one of them.
//   E2  The interruption is level-triggered and taken only by who waits: who polls may see it, and leaves it.
//   E3  Between the kernel's handing over of events and the moment all their sleepers are runnable, awaited() says yes: set
//       before events are posted, cleared when the next one begins to wait, which is after the last one has left.
#pragma once

#include "base/atomic.h"
#include "os/epoll.h"
#include "poll/backend.h"

namespace weft::poll {

std::uint32_t posting_of(std::uint32_t events) noexcept;  // as bits of `posting`

class epoll_backend final : public backend {
 public:
  int add(int fd, std::uint64_t key) override { return kernel_.add(fd, key); }
  bool mute(int fd, std::uint64_t key) noexcept override { return kernel_.mute(fd, key) == 0; }
  void unmute(int fd, std::uint64_t key) noexcept override;
  void remove(int fd, std::uint64_t) noexcept override { kernel_.remove(fd); }

  sched::ready_list wait(std::int64_t deadline_ns) override;
  sched::ready_list poll() override;
  void wake() override;
  [[nodiscard]] bool armed() const override;
  [[nodiscard]] bool awaited() const override;

 private:
  os::epoll kernel_;
  base::atomic<std::uint32_t> is_interrupted_{0};  // 1: an interruption is on its way, another is not needed
  base::atomic<bool> is_handing_over_{false};      // E3
};

}  // namespace weft::poll
