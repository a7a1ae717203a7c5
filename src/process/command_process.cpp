#include "process/command_process.h"

#include <csignal>
#include <mutex>

#include <weft/runtime.h>

#include "os/child.h"
#include "os/descriptor.h"
#include "poll/descriptor.h"

namespace weft::os {

command::process::process(pid_t child, bool leads_group, process_streams ends) noexcept
    : pid(child), own_group(leads_group), streams(std::move(ends)) {
  const int fd = open_pidfd(pid);
  int failed = 0;
  if (fd < 0) return;
  end_ = poll::open(fd, failed);
  if (!end_) close_descriptor(fd);
}

command::process::~process() {
  if (end_) end_->forget();
}

int command::process::take() {
  std::lock_guard hold(lock);
  if (status) return 0;
  if (is_lost_) return ECHILD;
  const child_end end = take_child(pid);
  is_lost_ = end.failed == ECHILD;
  if (end.failed) return end.failed;
  status = end.by_signal ? exit_status::killed(end.number, end.dumped_core) : exit_status::exited(end.number);
  return 0;
}

int command::process::wait(const context* ctx) {
  if (!end_) return wait_on_thread(ctx);
  return end_->perform(poll::direction::read, {.ctx = ctx}, [this](int) { return poll::attempt{0, take()}; }).error;
}

// A thread cannot be woken from waitpid, but the child can be made to end.
int command::process::wait_on_thread(const context* ctx) {
  if (int known = take(); known != EAGAIN) return known;
  if (!ctx) {
    blocking([this] { await_child(pid); });
    return take();
  }
  stop_registration killer = after_func(*ctx, [self = shared_from_this()] { self->send(SIGKILL); });
  blocking([this] { await_child(pid); });
  return killer.stop() ? take() : ctx->err().code().value();
}

int command::process::send(int signal) {
  std::lock_guard hold(lock);
  return status || is_lost_ ? ESRCH : -signal_child(pid, own_group, signal);
}

}  // namespace weft::os
