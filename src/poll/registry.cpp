#include "poll/registry.h"

#include "base/prefetch.h"
#include "base/spinlock.h"

namespace weft::poll {
namespace {

constexpr std::uint32_t chunk_size = 64, most_chunks = 1 << 16;

base::atomic<descriptor*> chunks[most_chunks];  // filled from the front
base::atomic<std::uint32_t> chunk_count{0};
base::atomic<std::uint32_t> in_use{0};
base::spinlock free_lock{base::lock_rank::memory};
descriptor* free_list = nullptr;                // guarded by free_lock
struct relayed {
  base::atomic<std::uint64_t> key{~std::uint64_t{0}};
  void (*collect)(sched::ready_list&) = nullptr;  // readable once the key is set
};
relayed relays[2];
base::atomic<std::uint32_t> relay_count{0};

}  // namespace

// The list is LIFO: the descriptor used last is warm.
descriptor* registry::pop_free() noexcept {
  base::locked hold(free_lock);
  descriptor* const d = free_list;
  if (d) free_list = d->next_free_;
  return d;
}

// False: there is no room for more.
bool registry::add_chunk() {
  auto* const fresh = new descriptor[chunk_size];  // for ever
  std::uint32_t number;
  {
    base::locked hold(free_lock);
    number = chunk_count.load(base::relaxed);
    if (number < most_chunks) {
      for (std::uint32_t i = chunk_size; i-- > 0;) {
        fresh[i].index_ = number * chunk_size + i;
        fresh[i].next_free_ = free_list;
        free_list = &fresh[i];
      }
      chunks[number].store(fresh, base::release);
      chunk_count.store(number + 1, base::release);
    }
  }
  if (number < most_chunks) return true;
  delete[] fresh;
  return false;
}

descriptor* registry::take(int fd) {
  descriptor* d;
  while (!(d = pop_free()))
    if (!add_chunk()) return nullptr;
  in_use.fetch_add(1, base::seq_cst);  // before it is added to the poller: armed() must not say no (P4 in idle.h)
  d->fd_ = fd;
  ++d->generation_;
  d->ready_.open(d->generation_);
  d->gate_.open();
  d->rounds_.begin(false);
  return d;
}

void registry::give_back(descriptor* d) noexcept {
  in_use.fetch_sub(1, base::seq_cst);
  base::locked hold(free_lock);
  d->next_free_ = free_list;
  free_list = d;
}

descriptor& registry::at(std::uint64_t key) noexcept {
  const auto index = static_cast<std::uint32_t>(key);
  return chunks[index / chunk_size].load(base::acquire)[index % chunk_size];
}

void registry::prefetch(std::uint64_t key) noexcept {
  if (key == ~std::uint64_t{0}) return;
  base::prefetch(&at(key), 2 * base::cache_line);
}

void registry::prefetch_sleeper(std::uint64_t key) noexcept {
  if (key == ~std::uint64_t{0}) return;
  if (const detail::waiter* reader = at(key).ready_.seen_reader()) base::prefetch(reader, sizeof *reader);
}

void registry::post(std::uint64_t key, std::uint32_t what, sched::ready_list& woken) noexcept {
  for (relayed& relay : relays)
    if (key == relay.key.load(base::acquire)) [[unlikely]] return relay.collect(woken);
  at(key).ready_.post(static_cast<std::uint32_t>(key >> 32), what, woken);
}

void registry::relay(const descriptor& d, void (*collect)(sched::ready_list&)) noexcept {
  relayed& mine = relays[relay_count.fetch_add(1, base::relaxed)];
  mine.collect = collect;
  mine.key.store(key_of(d), base::release);
}

bool registry::is_empty() noexcept { return in_use.load(base::seq_cst) == 0; }

bool registry::awaited() noexcept {
  if (expected.load(base::acquire) != 0) return true;
  for (std::uint32_t c = chunk_count.load(base::acquire); c-- > 0;) {
    descriptor* chunk = chunks[c].load(base::acquire);
    for (std::uint32_t i = 0; i < chunk_size; ++i)
      if (chunk[i].ready_.awaited()) return true;
  }
  return false;
}

}  // namespace weft::poll
