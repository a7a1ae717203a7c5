// An io_uring that is taken down with its owner, if the kernel made one. Only for os/, where liburing is there.
#pragma once

#include <liburing.h>

namespace weft::os {

struct owned_ring {
  io_uring kernel{};

  owned_ring() = default;
  owned_ring(const owned_ring&) = delete;
  owned_ring& operator=(const owned_ring&) = delete;
  ~owned_ring() {
    if (exists_) io_uring_queue_exit(&kernel);  // it would touch what was never mapped
  }
  // False: refused. `params` says what was given.
  [[nodiscard]] bool set_up(unsigned entries, io_uring_params& params) noexcept {
    exists_ = io_uring_queue_init_params(entries, &kernel, &params) >= 0;
    return exists_;
  }

 private:
  bool exists_ = false;
};

}  // namespace weft::os
