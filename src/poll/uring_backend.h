// The poller on io_uring: one multishot poll per descriptor in one ring, whose completions are the edges.
//
//   U1  A poll belongs to the thread that submitted it and ends with that thread. Workers and the monitor live for ever and
//       submit at once; a plain thread leaves the descriptor in `pending_`, which the next of them to look submits.
//   U2  Completions go to whoever takes them. An interruption is for the one who waits: it is a completion and a flag, and
//       whoever else takes the completion while somebody is about to wait repeats it.
//   U3  is_handing_over_ as E3 in epoll_backend.h.
//   U4  A poll that the kernel gave up is submitted again, if its descriptor is still the same one and open.
// Refused, so far: DEFER_TASKRUN and SINGLE_ISSUER (the ring would belong to one thread; any worker may be the one that
// looks), completion-based receives (a copy more, and no first try). docs/design/poller.md has the figures.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/atomic.h"
#include "os/uring.h"
#include "poll/backend.h"

namespace weft::poll {

class uring_backend final : public backend {
 public:
  explicit uring_backend(std::unique_ptr<os::uring> ring) noexcept : ring_(std::move(ring)) {}

  int add(int fd, std::uint64_t key) override;
  void remove(int fd, std::uint64_t key) noexcept override;
  bool mute(int, std::uint64_t) noexcept override { return false; }  // a poll would have to end and begin again
  void unmute(int, std::uint64_t) noexcept override {}

  sched::ready_list wait(std::int64_t deadline_ns) override;
  sched::ready_list poll() override;
  void wake() override;
  [[nodiscard]] bool armed() const override;
  [[nodiscard]] bool awaited() const override;

 private:
  void submit_pending();
  void add_again(std::uint64_t key);
  bool take_all(sched::ready_list& woken);  // true: an interruption was among them

  std::unique_ptr<os::uring> ring_;
  std::mutex pending_lock_;                        // an ordinary one: memory is allocated under it
  std::vector<std::uint64_t> pending_;             // guarded by pending_lock_
  base::atomic<bool> has_pending_{false};          // written under it
  base::atomic<std::uint32_t> is_interrupted_{0};
  base::atomic<bool> is_waiting_{false};           // U2
  base::atomic<bool> is_handing_over_{false};      // U3
};

}  // namespace weft::poll
