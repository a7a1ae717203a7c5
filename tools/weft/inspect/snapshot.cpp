// Reading the runtime of a process that goes on.
//
//   N1  Nothing is stopped. A control block is taken when two reads of it agree, one before and one after workers and queues
//       were read; what changed is read again, up to `rounds` times. What still changes is a goroutine that runs on and off
//       all the time: its last copy is taken, each word of which was true at some moment.
//   N2  Nothing that was read is trusted: counts are bounded, lists have ends, addresses are read, never followed.
//   N3  What is in a run queue is runnable, whatever its control block says: `reason` stays until it runs again.
// Refused: stopping all threads (milliseconds at a thousand threads, and calls that do not restart fail with EINTR).
#include "inspect/snapshot.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

namespace weft::tool {
namespace {

using block_bytes = std::span<const std::byte>;
constexpr int rounds = 4;
constexpr std::uint64_t most_words = std::uint64_t{1} << 28;  // of a queue: N2

struct worker_look {
  int thread = 0;
  bool has_processor = false, is_detached = false;
};

// Copies of all control blocks, one after the other. One that could not be read is all zero: nobody is alive there.
struct copies {
  std::size_t block = 0;
  std::vector<std::byte> bytes;
  [[nodiscard]] block_bytes of(std::size_t i) const { return std::span(bytes).subspan(i * block, block); }
};

class reader {
 public:
  reader(target& process, const layout& where) : process_(process), where_(where), scheduler_(where["scheduler"]) {}

  snapshot take() {
    snapshot seen;
    find_control_blocks();
    blocks_ = read_all();
    for (int round = 0; round < rounds; ++round) {
      running_.clear();
      queued_.clear();
      fresh_.clear();
      siblings_.clear();
      read_workers();
      read_queues(seen);
      if (!read_again()) break;
    }
    const std::int64_t now = now_ns();
    for (std::size_t i = 0; i < addresses_.size(); ++i)
      if (is_alive(blocks_.of(i))) seen.goroutines.push_back(judge(addresses_[i], blocks_.of(i), now));
    add_fresh(seen);
    std::ranges::sort(seen.goroutines, {}, &seen_goroutine::id);
    const auto twice =
        std::ranges::unique(seen.goroutines, {}, &seen_goroutine::id);  // one that began to run meanwhile
    seen.goroutines.erase(twice.begin(), twice.end());
    seen.workers = static_cast<int>(number("scheduler.workers"));
    seen.idle_workers = static_cast<int>(number("scheduler.idle_workers"));
    seen.processors = static_cast<int>(number("scheduler.limit"));
    seen.idle_processors = static_cast<int>(number("scheduler.idle_processors"));
    return seen;
  }

 private:
  std::uint64_t number(std::string_view name) const { return where_.field_at(scheduler_, name); }

  // Ages against the clock; of a core file, which has none, against the latest time that is noted in it.
  std::int64_t now_ns() const {
    if (const auto now = process_.now_ns()) return *now;
    auto latest = static_cast<std::int64_t>(number("scheduler.coarse_now"));
    for (std::size_t i = 0; i < addresses_.size(); ++i)
      if (const block_bytes b = blocks_.of(i); is_alive(b))
        latest = std::max(latest, static_cast<std::int64_t>(where_.field(b, "goroutine.since_ns")));
    return latest;
  }

  bool is_alive(block_bytes b) const { return where_.field(b, "goroutine.mark") == where_["alive_mark"]; }

  void find_control_blocks() {
    constexpr std::uint64_t most_slabs = 65536;
    const std::uint64_t ids =
        std::min<std::uint64_t>(process_.value<std::uint32_t>(where_["slab_ids"]).value_or(0), most_slabs);
    const std::uint64_t per_chunk = where_["slabs_per_chunk"], bytes = where_["slab"];
    std::vector<std::byte> slabs(bytes * per_chunk);
    for (std::uint64_t first = 0; first < ids; first += per_chunk) {
      const auto chunk = process_.value<std::uint64_t>(where_["slab_chunks"] + first / per_chunk * 8);
      const std::uint64_t count = std::min(per_chunk, ids - first);
      if (!chunk || *chunk == 0 || !process_.read(*chunk, slabs.data(), bytes * count)) continue;
      for (std::uint64_t i = 0; i < count; ++i) find_in_slab(std::span(slabs).subspan(i * bytes, bytes));
    }
  }

  void find_in_slab(std::span<const std::byte> slab) {
    if (where_.field(slab, "slab.published") == 0) return;
    const std::uint64_t base = where_.field(slab, "slab.base");
    const std::uint64_t step = where_.field(slab, "slab.shape.usable") + where_.field(slab, "slab.shape.guard");
    const auto out = where_.bytes_of(slab, "slab.out");
    const std::uint64_t size = where_["goroutine"], colours = where_["colours"], page = where_["colour_page"];
    if (colours == 0 || page == 0) return;
    for (std::size_t slot = 0; slot < out.size() * 8; ++slot) {
      if ((static_cast<unsigned>(out[slot / 8]) >> slot % 8 & 1) == 0) continue;
      const std::uint64_t top = base + (slot + 1) * step;
      addresses_.push_back(top - size - top / page % colours * where_["colour_bytes"]);
    }
  }

  copies read_all() {
    copies fresh{where_["goroutine"], {}};
    fresh.bytes.resize(addresses_.size() * fresh.block);
    std::vector<piece> pieces(addresses_.size());
    for (std::size_t i = 0; i < pieces.size(); ++i)
      pieces[i] = {addresses_[i], fresh.bytes.data() + i * fresh.block, fresh.block};
    process_.read(pieces);
    for (const piece& p : pieces)  // never used, or not in the core file
      if (!p.is_read) std::memset(p.into, 0, p.bytes);
    return fresh;
  }

  // N1. False: nothing has changed.
  bool read_again() {
    copies fresh = read_all();
    const bool has_changed = fresh.bytes != blocks_.bytes;
    blocks_ = std::move(fresh);
    return has_changed;
  }

  void read_workers() {
    constexpr int most = 1'000'000;
    std::vector<std::byte> worker(where_["worker"]);
    std::uint64_t at = number("scheduler.all_workers");
    for (int i = 0; at != 0 && i < most && process_.read(at, worker.data(), worker.size()); ++i) {
      if (const std::uint64_t current = where_.field(worker, "worker.current"))
        running_[current] = {static_cast<int>(where_.field(worker, "worker.tid")),
                             where_.field(worker, "worker.held") != 0, where_.field(worker, "worker.detached") != 0};
      at = where_.field(worker, "worker.next_all");
    }
  }

  void read_queues(snapshot& seen) {
    constexpr std::uint64_t most_processors = 1024;
    std::uint64_t spawned = number("scheduler.spawned_outside"), ended = number("scheduler.ended_outside");
    if (const std::uint64_t inject = number("scheduler.inject")) read_ring(inject);
    std::vector<std::byte> p(where_["processor"]);
    for (std::uint64_t i = 0; i < std::min(number("scheduler.created"), most_processors); ++i) {
      const auto at = process_.value<std::uint64_t>(scheduler_ + where_["scheduler.processors"] + i * 8);
      if (!at || !process_.read(*at, p.data(), p.size())) continue;
      spawned += where_.field(p, "processor.spawned");
      ended += where_.field(p, "processor.ended");
      note_queued(where_.field(p, "processor.next"));
      note_queued(where_.field(p, "processor.offer"));
      read_ring(*at + where_["processor.queue"] + where_["own_queue.line"]);
      read_nursery(*at + where_["processor.queue"] + where_["own_queue.nursery"]);
      read_shared(*at + where_["processor.shared"]);
    }
    seen.alive = spawned > ended ? spawned - ended : 0;
  }

  void note_queued(std::uint64_t word) {
    if (word & 1)
      fresh_.push_back(word - 1);
    else if (word != 0)
      queued_.insert(word);
  }
  void note_words(std::uint64_t slots, std::uint64_t first, std::uint64_t last) {
    if (last <= first || last - first > most_words) return;
    std::vector<std::uint64_t> words(last - first);
    if (process_.read(slots + first * 8, words.data(), words.size() * 8))
      for (const std::uint64_t word : words) note_queued(word);
  }

  void read_ring(std::uint64_t at) {
    const std::uint64_t mask = where_.field_at(at, "private_queue.mask"),
                        slots = where_.field_at(at, "private_queue.slots");
    const auto head = static_cast<std::uint32_t>(where_.field_at(at, "private_queue.head"));
    const auto size = static_cast<std::uint32_t>(where_.field_at(at, "private_queue.tail")) - head;
    if (size > mask + 1) return;  // torn: the ring grew meanwhile
    const std::uint64_t first = head & mask, until_wrap = std::min<std::uint64_t>(size, mask + 1 - first);
    note_words(slots, first, first + until_wrap);
    note_words(slots, 0, size - until_wrap);
  }
  void read_shared(std::uint64_t at) {
    const std::uint64_t capacity = where_["shared_queue.capacity"], slots = at + where_["shared_queue.slots"];
    const auto head = static_cast<std::uint32_t>(where_.field_at(at, "shared_queue.head"));
    const auto size = static_cast<std::uint32_t>(where_.field_at(at, "shared_queue.tail")) - head;
    if (capacity == 0 || size > capacity) return;
    const std::uint64_t first = head % capacity, until_wrap = std::min<std::uint64_t>(size, capacity - first);
    note_words(slots, first, first + until_wrap);
    note_words(slots, 0, size - until_wrap);
  }
  // Batches, oldest first; then the open one (sched/nursery.h, N1).
  void read_nursery(std::uint64_t at) {
    const auto part = [&](const char* name) { return where_.field_at(at, name); };
    const std::uint64_t live = part("nursery.live");
    if (live == 0) return;
    const std::uint64_t words = part("nursery.words"), batches = part("nursery.batches"),
                        bytes = where_["nursery.batch"];
    const std::uint64_t used = part("nursery.batches_used"), open = part("nursery.open");
    for (std::uint64_t i = part("nursery.oldest"); i < used; ++i) {
      const std::uint64_t begin = where_.field_at(batches + i * bytes, "nursery.batch.begin");
      const std::uint64_t end = i + 1 == used ? open : where_.field_at(batches + (i + 1) * bytes, "nursery.batch.base");
      note_batch(words, begin, end, live);
    }
    note_batch(words, std::max(open, part("nursery.open_begin")), part("nursery.end"), live);
  }
  // Odd words are newborns, an even one begins a litter: sched/litter.h.
  void note_batch(std::uint64_t from, std::uint64_t first, std::uint64_t last, std::uint64_t most) {
    if (last <= first || last - first > most_words) return;
    std::vector<std::uint64_t> words(last - first);
    if (!process_.read(from + first * 8, words.data(), words.size() * 8)) return;
    const std::size_t head = where_["litter"] / 8;
    for (std::size_t at = 0; at < words.size();) {
      if (words[at] & 1) {
        note_queued(words[at++]);
        continue;
      }
      if (words.size() - at < head) return;
      const block_bytes litter = std::as_bytes(std::span(words).subspan(at, head));
      const std::uint64_t count = where_.field(litter, "litter.count"), taken = where_.field(litter, "litter.taken");
      if (count > taken + most) return;  // torn
      if (taken < count) note_siblings(judge_newborn(litter.subspan(where_["litter.first"])), taken, count);
      const std::uint64_t stride = where_.field(litter, "litter.stride");  // 0: all have the closure of the first
      at += head + (stride == 0 ? where_.field(litter, "litter.twice_words") / 2 : count * stride);
    }
  }

  // The i-th of them, from first to last - 1, has an id that is larger by i.
  void note_siblings(const seen_goroutine& eldest, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = first; i < last; ++i) {
      siblings_.push_back(eldest);
      siblings_.back().id += i;
    }
  }

  seen_goroutine judge(std::uint64_t at, block_bytes b, std::int64_t now) {
    const auto field = [&](const char* name) { return where_.field(b, name); };
    seen_goroutine g;
    g.block = at;
    g.id = field("goroutine.id");
    g.creator = field("goroutine.creator");
    g.start_site = field("goroutine.start_site");
    g.name = name_at(field("goroutine.name"));
    g.sp = field("goroutine.context.sp");
    g.pc = field("goroutine.context.pc");
    g.fp = field("goroutine.context.fp");
    g.stack_base = field("goroutine.stack.base");
    g.stack_top = field("goroutine.stack.top");
    const std::uint64_t reason = field("goroutine.reason");
    if (const auto runs = running_.find(at); runs != running_.end()) {
      g.thread = runs->second.thread;
      g.state = runs->second.has_processor ? goroutine_state::running
                : runs->second.is_detached ? goroutine_state::detached
                                           : goroutine_state::blocked;
    } else if (reason == 0 || queued_.contains(at)) {
      g.state = goroutine_state::runnable;
    } else {
      g.reason = where_.reason(reason);
      g.object = field("goroutine.object");
      g.waiting_ns = std::max<std::int64_t>(now - static_cast<std::int64_t>(field("goroutine.since_ns")), 0);
    }
    return g;
  }

  void add_fresh(snapshot& seen) {
    const std::size_t size = where_["newborn"];
    std::vector<std::byte> blocks(size * fresh_.size());
    std::vector<piece> pieces(fresh_.size());
    for (std::size_t i = 0; i < fresh_.size(); ++i) pieces[i] = {fresh_[i], blocks.data() + i * size, size};
    process_.read(pieces);
    for (std::size_t i = 0; i < fresh_.size(); ++i) {
      if (!pieces[i].is_read) continue;
      const block_bytes newborn = std::span(blocks).subspan(i * size, size);
      note_siblings(judge_newborn(newborn), 0, 1 + where_.field(newborn, "newborn.more"));
    }
    std::ranges::move(siblings_, std::back_inserter(seen.goroutines));
  }

  seen_goroutine judge_newborn(block_bytes newborn) {
    seen_goroutine g;
    g.state = goroutine_state::fresh;
    g.id = where_.field(newborn, "newborn.id");
    g.creator = where_.field(newborn, "newborn.creator");
    g.start_site = where_.field(newborn, "newborn.start_site");
    if (where_.field(newborn, "newborn.kind") == 0) g.name = name_at(where_.field(newborn, "newborn.name"));
    return g;
  }

  // Names are literals: thousands share one.
  const std::string& name_at(std::uint64_t at) {
    const auto known = names_.find(at);
    return known != names_.end() ? known->second : names_.emplace(at, process_.text(at)).first->second;
  }

  target& process_;
  const layout& where_;
  const std::uint64_t scheduler_;
  std::vector<std::uint64_t> addresses_;
  copies blocks_;
  std::unordered_map<std::uint64_t, worker_look> running_;
  std::unordered_set<std::uint64_t> queued_;
  std::vector<std::uint64_t> fresh_;         // addresses of newborns
  std::vector<seen_goroutine> siblings_;     // newborns, those of one litter or one block side by side
  std::unordered_map<std::uint64_t, std::string> names_;
};

}  // namespace

const char* to_string(goroutine_state state) noexcept {
  constexpr const char* texts[] = {"waiting", "runnable",      "runnable (never ran)",
                                   "running", "blocking call", "running (detached)"};
  return texts[static_cast<unsigned>(state)];
}

snapshot take_snapshot(target& process, const layout& where) { return reader(process, where).take(); }

bool is_unchanged(const layout& where, const seen_goroutine& g) {
  return where.field_at(g.block, "goroutine.mark") == where["alive_mark"] &&
         where.field_at(g.block, "goroutine.id") == g.id && where.field_at(g.block, "goroutine.context.sp") == g.sp &&
         where.field_at(g.block, "goroutine.context.pc") == g.pc;
}

}  // namespace weft::tool
