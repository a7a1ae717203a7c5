// Holds SIGPIPE back on the calling thread, for system calls that have no MSG_NOSIGNAL: write, sendfile, splice.
//
//   without_sigpipe quiet;
//   if (call() == -EPIPE) quiet.take();   // the signal that the call has raised
//
// The kernel sends it to the thread that called, so that thread can block it and take it back. What was pending before, in
// a thread that blocks SIGPIPE itself, is somebody else's and stays. Leaves errno to its caller.
//
// REQUIRES: no call in between that weft::hook stands in front of: a goroutine that parks would leave this thread quiet.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>

namespace weft::os {

class without_sigpipe {
 public:
  without_sigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    was_blocked_ = sigismember(&before_, SIGPIPE) == 1;
    if (!was_blocked_) return;
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  }
  ~without_sigpipe() {
    if (!was_blocked_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  without_sigpipe(const without_sigpipe&) = delete;
  without_sigpipe& operator=(const without_sigpipe&) = delete;

  void take() noexcept {
    const timespec at_once{};
    if (was_pending_) return;
    while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t pipe_, before_;
  bool was_blocked_ = false, was_pending_ = false;
};

}  // namespace weft::os
