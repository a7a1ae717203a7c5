#include "os/file_ring.h"

#ifndef WEFT_HAS_URING

namespace weft::os {

struct file_ring::ring {};
file_ring::file_ring(std::unique_ptr<ring> made) noexcept : ring_(std::move(made)) {}
file_ring::~file_ring() = default;
std::unique_ptr<file_ring> file_ring::make() { return nullptr; }
int file_ring::descriptor() const noexcept { return -1; }
bool file_ring::submit(const operation&, std::uint64_t) noexcept { return false; }
std::span<file_ring::completion> file_ring::take(std::span<completion> into) noexcept { return into.first(0); }

}  // namespace weft::os

#else

#include <liburing.h>

#include <algorithm>
#include <mutex>

#include "os/keep_errno.h"
#include "os/owned_ring.h"

namespace weft::os {

// Both halves of the ring have one side in user space, each for one thread at a time.
struct file_ring::ring : owned_ring {
  std::mutex submissions, completions;
};

file_ring::file_ring(std::unique_ptr<ring> made) noexcept : ring_(std::move(made)) {}
file_ring::~file_ring() = default;

std::unique_ptr<file_ring> file_ring::make() {
  keep_errno kept;
  auto made = std::make_unique<ring>();
  io_uring_params wanted{};
  wanted.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SQPOLL;
  wanted.cq_entries = 4096;
  wanted.sq_thread_idle = 1;  // milliseconds that the kernel's thread goes on looking before it sleeps
  if (!made->set_up(256, wanted)) return nullptr;
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_SQPOLL_NONFIXED;
  if ((wanted.features & needed) != needed) return nullptr;
  return std::unique_ptr<file_ring>(new file_ring(std::move(made)));
}

int file_ring::descriptor() const noexcept { return ring_->kernel.ring_fd; }

bool file_ring::submit(const operation& op, std::uint64_t key) noexcept {
  keep_errno kept;
  std::lock_guard hold(ring_->submissions);
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_->kernel);
  if (!entry) return false;
  constexpr std::size_t most = 0x7ffff000;  // what Linux moves in one call
  const auto size = static_cast<unsigned>(std::min(op.size, most));
  const auto at = static_cast<std::uint64_t>(op.at);
  switch (op.what) {
    case operation::kind::read: io_uring_prep_read(entry, op.fd, op.bytes, size, at); break;
    case operation::kind::write: io_uring_prep_write(entry, op.fd, op.bytes, size, at); break;
    case operation::kind::sync: io_uring_prep_fsync(entry, op.fd, 0); break;
  }
  entry->user_data = key;
  static_cast<void>(io_uring_submit(&ring_->kernel));  // wakes the kernel's thread if it sleeps; the entry is there anyway
  return true;
}

std::span<file_ring::completion> file_ring::take(std::span<completion> into) noexcept {
  keep_errno kept;
  std::lock_guard hold(ring_->completions);
  std::size_t count = 0;
  io_uring_cqe* done = nullptr;
  while (count < into.size() && io_uring_peek_cqe(&ring_->kernel, &done) == 0) {
    into[count++] = {done->user_data, done->res};
    io_uring_cqe_seen(&ring_->kernel, done);
  }
  return into.first(count);
}

}  // namespace weft::os

#endif
