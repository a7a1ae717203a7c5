#include "poll/uring_backend.h"

#include <poll.h>

#include <cerrno>

#include "os/descriptor.h"
#include "poll/epoll_backend.h"
#include "poll/registry.h"
#include "sched/schedule.h"
#include "sched/worker.h"

namespace weft::poll {
namespace {

constexpr std::size_t batch = 256;

}  // namespace

int uring_backend::add(int fd, std::uint64_t key) {
  if (os::is_always_ready(fd)) return EPERM;  // as epoll has it
  if (sched::this_worker()) return ring_->add(fd, key);
  {
    std::lock_guard hold(pending_lock_);
    pending_.push_back(key);
    has_pending_.store(true, base::seq_cst);
  }
  wake();
  return 0;
}

void uring_backend::remove(int, std::uint64_t key) noexcept { ring_->remove(key); }

// U1, U4. REQUIRES: the calling thread never ends.
void uring_backend::add_again(std::uint64_t key) {
  registry::with_fd(key, [&](int fd) {
    if (ring_->add(fd, key) == 0) return;
    // Nothing will tell of this one any more: whoever uses it finds out from the system calls themselves.
    sched::ready_list woken;
    registry::post(key, post_read | post_write | post_closing, woken);
    sched::ready_all(woken.first());
  });
}

void uring_backend::submit_pending() {
  if (!has_pending_.load(base::acquire)) [[likely]] return;
  std::vector<std::uint64_t> keys;
  {
    std::lock_guard hold(pending_lock_);
    keys.swap(pending_);
    has_pending_.store(false, base::relaxed);
  }
  for (const std::uint64_t key : keys) add_again(key);
}

bool uring_backend::take_all(sched::ready_list& woken) {
  os::uring::event buffer[batch];
  const auto events = ring_->take(buffer);
  bool is_interrupted = false;
  for (const os::uring::event& event : events) {
    if (event.key == os::uring::interrupt_key) {
      is_interrupted = true;
      continue;
    }
    registry::post(event.key, posting_of(event.mask), woken);
    if (event.has_ended && !(event.mask & POLLERR)) add_again(event.key);
  }
  return is_interrupted;
}

sched::ready_list uring_backend::wait(std::int64_t deadline_ns) {
  is_handing_over_.store(false, base::release);
  submit_pending();
  is_waiting_.store(true, base::seq_cst);
  is_handing_over_.store(true, base::seq_cst);  // U3
  sched::ready_list woken;
  // What was taken by others before this look is theirs; what comes after it ends the wait below.
  bool is_done = take_all(woken) || !woken.empty();
  is_done |= is_interrupted_.load(base::seq_cst) != 0;
  if (!is_done) {
    is_handing_over_.store(false, base::release);
    ring_->wait(deadline_ns);
    is_handing_over_.store(true, base::seq_cst);
    take_all(woken);
  }
  is_waiting_.store(false, base::seq_cst);
  is_interrupted_.exchange(0, base::acq_rel);  // pairs with wake(), as in epoll_backend.cpp
  return woken;
}

sched::ready_list uring_backend::poll() {
  submit_pending();
  sched::ready_list woken;
  if (take_all(woken) && is_waiting_.load(base::seq_cst) && is_interrupted_.load(base::seq_cst)) ring_->interrupt();  // U2
  return woken;
}

void uring_backend::wake() {
  if (is_interrupted_.exchange(1, base::acq_rel) == 0) ring_->interrupt();
}

bool uring_backend::armed() const { return !registry::is_empty(); }

bool uring_backend::awaited() const { return registry::awaited() || is_handing_over_.load(base::seq_cst); }

}  // namespace weft::poll
