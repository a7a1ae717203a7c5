#include "os/uring.h"

#ifndef WEFT_HAS_URING

namespace weft::os {

struct uring::ring {};
uring::uring(std::unique_ptr<ring> made) noexcept : ring_(std::move(made)) {}
uring::~uring() = default;
std::unique_ptr<uring> uring::make() { return nullptr; }
int uring::add(int, std::uint64_t) noexcept { return 0; }
void uring::remove(std::uint64_t) noexcept {}
void uring::interrupt() noexcept {}
std::span<uring::event> uring::take(std::span<event> into) noexcept { return into.first(0); }
void uring::wait(std::int64_t) noexcept {}

}  // namespace weft::os

#else

#include <liburing.h>
#include <poll.h>
#include <sys/epoll.h>

#include <mutex>

#include "os/clock.h"
#include "os/futex.h"
#include "os/keep_errno.h"
#include "os/owned_ring.h"

namespace weft::os {

// Both halves of the ring have one side in user space, each for one thread at a time.
struct uring::ring : owned_ring {
  std::mutex submissions, completions;

  template <class Prepare>
  int submit(Prepare prepare) noexcept {
    keep_errno kept;
    std::lock_guard hold(submissions);
    io_uring_sqe* entry = io_uring_get_sqe(&kernel);
    if (!entry) return EBUSY;  // cannot be: each is submitted before the next is taken
    prepare(entry);
    int submitted;
    do submitted = io_uring_submit(&kernel);
    while (submitted == -EINTR || submitted == -EAGAIN || submitted == -EBUSY);
    return submitted < 0 ? -submitted : 0;
  }
};

uring::uring(std::unique_ptr<ring> made) noexcept : ring_(std::move(made)) {}
uring::~uring() = default;

std::unique_ptr<uring> uring::make() {
  keep_errno kept;
  auto made = std::make_unique<ring>();
  io_uring_params wanted{};
  wanted.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
  wanted.cq_entries = 16 * 1024;
  if (!made->set_up(64, wanted)) return nullptr;
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_POLL_32BITS | IORING_FEAT_CQE_SKIP;
  if ((wanted.features & needed) != needed) return nullptr;
  return std::unique_ptr<uring>(new uring(std::move(made)));
}

int uring::add(int fd, std::uint64_t key) noexcept {
  return ring_->submit([&](io_uring_sqe* entry) {
    io_uring_prep_poll_multishot(entry, fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI | static_cast<unsigned>(EPOLLET));
    entry->user_data = key;
  });
}

void uring::remove(std::uint64_t key) noexcept {
  // A poll keeps the file open until it has ended, in the thread that submitted it. So this waits: a closed listener must
  // not go on taking connections. Bounded, for a thread that does not come out of the kernel.
  keep_errno kept;
  io_uring_sync_cancel_reg request{};
  request.addr = key;
  request.fd = -1;
  request.timeout.tv_nsec = 10'000'000;
  if (io_uring_register_sync_cancel(&ring_->kernel, &request) != -EINVAL) return;
  static_cast<void>(ring_->submit([&](io_uring_sqe* entry) {  // before Linux 6.0
    io_uring_prep_poll_remove(entry, key);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    entry->user_data = key;
  }));
}

void uring::interrupt() noexcept {
  static_cast<void>(ring_->submit([](io_uring_sqe* entry) {
    io_uring_prep_nop(entry);
    entry->user_data = interrupt_key;
  }));
}

std::span<uring::event> uring::take(std::span<event> into) noexcept {
  keep_errno kept;
  std::lock_guard hold(ring_->completions);
  std::size_t count = 0;
  io_uring_cqe* done = nullptr;
  // The first look may enter the kernel: for completions that did not fit, or to run what a poll has left to this thread.
  while (count < into.size() && io_uring_peek_cqe(&ring_->kernel, &done) == 0) {
    const bool is_more = (done->flags & IORING_CQE_F_MORE) != 0;
    const std::uint32_t mask = done->res >= 0 ? static_cast<std::uint32_t>(done->res) : std::uint32_t{POLLERR};
    // -ECANCELED: removed by us; -ENOENT: what was to be removed had ended by itself.
    if (done->user_data == interrupt_key || (done->res != -ECANCELED && done->res != -ENOENT))
      into[count++] = {done->user_data, mask, !is_more};
    io_uring_cqe_seen(&ring_->kernel, done);
  }
  return into.first(count);
}

void uring::wait(std::int64_t deadline_ns) noexcept {
  keep_errno kept;
  __kernel_timespec left{};
  io_uring_getevents_arg limits{};
  limits.sigmask_sz = _NSIG / 8;
  if (deadline_ns != no_deadline) {
    const std::int64_t ns = deadline_ns - monotonic_ns();
    if (ns <= 0) return;
    left = {ns / 1'000'000'000, ns % 1'000'000'000};
    limits.ts = reinterpret_cast<std::uint64_t>(&left);
  }
  // Without the locks: others may submit and take meanwhile. Whether there is something was looked at before.
  io_uring_enter2(static_cast<unsigned>(ring_->kernel.ring_fd), 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                  reinterpret_cast<sigset_t*>(&limits), sizeof limits);
}

}  // namespace weft::os

#endif
