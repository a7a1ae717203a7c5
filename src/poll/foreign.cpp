#include "poll/foreign.h"

#include "base/fatal.h"
#include "os/epoll.h"
#include "os/process_threads.h"
#include "poll/epoll_backend.h"
#include "poll/registry.h"

namespace weft::poll::foreign {
namespace {

using slot = base::atomic<descriptor*>;
constexpr std::uint32_t chunk_size = 1024, most_chunks = 1 << 16;  // 64 million numbers

base::atomic<slot*> chunks[most_chunks];

slot* slot_of(int fd, bool make) {
  base::atomic<slot*>& place = chunks[static_cast<std::uint32_t>(fd) / chunk_size % most_chunks];
  slot* chunk = place.load(base::acquire);
  if (!chunk && make) {
    auto* const fresh = new slot[chunk_size]{};  // for ever
    if (place.compare_exchange_strong(chunk, fresh, base::acq_rel, base::acquire)) chunk = fresh;
    else delete[] fresh;
  }
  return chunk ? chunk + static_cast<std::uint32_t>(fd) % chunk_size : nullptr;
}

os::epoll& kernel() noexcept;

// Whoever finds the inner instance ready takes all it has: it tells only of the change from empty.
void collect(sched::ready_list& woken) {
  constexpr std::size_t batch = 64;
  epoll_event buffer[batch];
  while (true) {
    const auto events = kernel().poll(buffer);
    for (const epoll_event& event : events) registry::post(event.data.u64, posting_of(event.events), woken);
    if (events.empty()) return;
  }
}

os::epoll& start() {
  auto& inner = *new os::epoll;  // for ever
  int error = 0;
  descriptor* const gate = open(inner.descriptor(), error);
  if (!gate) base::fatal("cannot watch the descriptors of libraries (error %d)", error);
  registry::relay(*gate, collect);
  return inner;
}

os::epoll& kernel() noexcept {
  static os::epoll& instance = start();
  return instance;
}

// An entered descriptor for the number.
descriptor& entered(int fd) {
  slot& place = *slot_of(fd, true);
  while (true) {
    descriptor* d = place.load(base::acquire);
    if (!d) {
      descriptor* const fresh = registry::take(-1);  // -1: closing it leaves the number alone
      if (!fresh) base::fatal("too many descriptors");
      if (!place.compare_exchange_strong(d, fresh, base::acq_rel, base::acquire)) fresh->forget();
      continue;
    }
    if (!d->enter()) continue;  // being closed: its slot has been emptied, or is about to be
    if (place.load(base::acquire) == d) return *d;
    d->leave();
  }
}

}  // namespace

use::use(int fd) : descriptor_(entered(fd)), fd_(fd) {}

int use::renew() noexcept { return kernel().renew(fd_, registry::key_of(descriptor_)); }

bool use::is_current() const noexcept { return slot_of(fd_, true)->load(base::acquire) == &descriptor_; }

void closed(int fd) noexcept {
  if (fd < 0) return;
  slot* const place = slot_of(fd, false);
  if (!place || !place->load(base::acquire) || !os::owns_process()) return;
  if (descriptor* d = place->exchange(nullptr, base::acq_rel)) d->forget();
}

void closed_range(unsigned first, unsigned last) noexcept {
  for (std::uint64_t chunk = first / chunk_size; chunk < most_chunks && chunk * chunk_size <= last; ++chunk) {
    if (!chunks[chunk].load(base::acquire)) continue;
    for (std::uint64_t fd = chunk * chunk_size; fd < (chunk + 1) * chunk_size; ++fd)
      if (fd >= first && fd <= last) closed(static_cast<int>(fd));
  }
}

}  // namespace weft::poll::foreign
