#include "poll/epoll_backend.h"

#include "base/fatal.h"
#include "poll/registry.h"

namespace weft::poll {
namespace {

constexpr std::size_t batch = 128;

// With many connections none of what an event touches is in the cache. Three passes let the misses of a batch overlap.
void fetch(std::span<const epoll_event> events) noexcept {
  for (const epoll_event& event : events) registry::prefetch(event.data.u64);
  for (const epoll_event& event : events) registry::prefetch_sleeper(event.data.u64);
}

// True: an interruption was among them.
bool post_all(std::span<const epoll_event> events, sched::ready_list& woken) noexcept {
  constexpr std::size_t many = 16;
  if (events.size() >= many) fetch(events);
  bool is_interrupted = false;
  for (const epoll_event& event : events) {
    if (event.data.u64 == os::epoll::interrupt_key) {
      is_interrupted = true;
      continue;
    }
    registry::post(event.data.u64, posting_of(event.events), woken);
  }
  return is_interrupted;
}

}  // namespace

std::uint32_t posting_of(std::uint32_t events) noexcept {
  std::uint32_t what = 0;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) what |= post_read;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) what |= post_write;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) what |= post_closing;
  return what;
}

sched::ready_list epoll_backend::wait(std::int64_t deadline_ns) {
  is_handing_over_.store(false, base::release);
  epoll_event buffer[batch];
  const auto events = kernel_.wait(buffer, deadline_ns);
  sched::ready_list woken;
  if (events.empty()) return woken;
  is_handing_over_.store(true, base::seq_cst);  // before a sleeper is taken out: registry::awaited() sees him, or this
  if (post_all(events, woken)) {
    kernel_.acknowledge();
    // acq_rel: pairs with wake(). Who found 1 there relies on what we look at after this; who finds 0 interrupts again.
    is_interrupted_.exchange(0, base::acq_rel);
  }
  return woken;
}

sched::ready_list epoll_backend::poll() {
  epoll_event buffer[batch];
  sched::ready_list woken;
  post_all(kernel_.poll(buffer), woken);  // E2
  return woken;
}

void epoll_backend::unmute(int fd, std::uint64_t key) noexcept {
  if (const int error = kernel_.renew(fd, key)) base::fatal("epoll_ctl cannot change descriptor %d (error %d)", fd, error);
}

void epoll_backend::wake() {
  if (is_interrupted_.exchange(1, base::acq_rel) == 0) kernel_.interrupt();
}

bool epoll_backend::armed() const { return !registry::is_empty(); }

bool epoll_backend::awaited() const { return registry::awaited() || is_handing_over_.load(base::seq_cst); }

}  // namespace weft::poll
