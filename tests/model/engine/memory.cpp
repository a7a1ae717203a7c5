// Memory as C++20 has it, operationally: what a load may read.
//
// Each word keeps its stores in order of modification, which is the order of execution. A thread has a view: per word, the
// place of the latest store it knows of. A store carries the view that an acquire load of it adds to the reader's (release:
// the writer's view; relaxed: that of its last release fence). A read-modify-write reads the last store and passes on what
// that carried: the release sequence. After Kang et al., "A promising semantics for relaxed-memory concurrency" (POPL
// 2017), without promises, so that a load never reads from a later store (no load buffering).
//
//   V1  A load reads a store at or after the place in its view, and raises the view to it: coherence.
//   V2  seq_cst fences join a global view both ways. A seq_cst store or read-modify-write raises it for its word, a
//       seq_cst load reads at or after it and raises it: C++20 [atomics.order], with execution order for S.
//   V3  Clocks travel with messages, not through the global view: a fence alone orders no plain data.
#include <algorithm>
#include <cstring>

#include "engine/engine.h"

namespace model {

std::uint32_t& clock_of(view& v, int thread) { return v.at[static_cast<std::size_t>(thread)]; }
std::uint32_t& place_of(view& v, std::uint32_t location) { return v.at[max_threads + location]; }

namespace {

// Messages of one execution: given back all at once.
std::vector<std::uint32_t> pool(1 << 22);
std::size_t pool_used = 0;

std::uint32_t view_size() noexcept { return max_threads + e.used; }

bool is_acquire(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
bool is_release(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

std::memory_order mutated(std::memory_order order, site where) noexcept {
  return is_mistake(where) ? std::memory_order_relaxed : order;
}

message both(message a, message b) noexcept {
  if (!a.at) return b;
  if (!b.at) return a;
  const std::uint32_t size = std::max(a.size, b.size);
  if (pool_used + size > pool.size()) give_up("the checker's memory for messages is full: a smaller model is needed");
  std::uint32_t* out = pool.data() + pool_used;
  pool_used += size;
  for (std::uint32_t i = 0; i < size; ++i) out[i] = std::max(i < a.size ? a.at[i] : 0, i < b.size ? b.at[i] : 0);
  return {out, size};
}

// What a store of this order carries, besides itself.
message released_by(fibre& f, std::memory_order order) noexcept {
  if (is_release(order)) return carried(f.seen);
  return clock_of(f.released, e.self) != 0 ? carried(f.released) : message{};
}

void read(std::uint32_t loc, std::uint32_t place, std::memory_order order) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  const written& from = e.locations[loc].order[place];
  place_of(f.seen, loc) = std::max(place_of(f.seen, loc), place);
  join(is_acquire(order) ? f.seen : f.to_acquire, from.carries);
  if (order == std::memory_order_seq_cst) place_of(e.sc, loc) = std::max(place_of(e.sc, loc), place);
}

void write(std::uint32_t loc, std::uint64_t value, std::memory_order order, message passed_on) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  auto& stores = e.locations[loc].order;
  const auto place = static_cast<std::uint32_t>(stores.size());
  place_of(f.seen, loc) = place;
  stores.push_back({value, both(released_by(f, order), passed_on), static_cast<int>(e.history.size()) - 1});
  if (order == std::memory_order_seq_cst) place_of(e.sc, loc) = place;
}

// Which store a load reads: the last, or for one of the allowed stale reads an older one.
std::uint32_t pick_place(std::uint32_t loc, std::memory_order order) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  const auto last = static_cast<std::uint32_t>(e.locations[loc].order.size()) - 1;
  std::uint32_t oldest = place_of(f.seen, loc);
  if (order == std::memory_order_seq_cst) oldest = std::max(oldest, place_of(e.sc, loc));
  if (oldest == last || e.stale_reads >= e.limits.stale_reads) return last;
  const auto age = static_cast<std::uint32_t>(pick(static_cast<int>(last - oldest) + 1));
  if (age != 0) ++e.stale_reads;
  return last - age;
}

void note_polled(std::uint32_t loc, std::uint32_t place) {
  auto& polled = e.fibres[static_cast<std::size_t>(e.self)].polled;
  for (auto& [known, at] : polled) {
    if (known != loc) continue;
    at = place;
    return;
  }
  polled.emplace_back(loc, place);
}

// The value of a word that no execution has touched yet, or that is used outside of one.
std::uint64_t first_value(const cell* where, std::size_t size) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, reinterpret_cast<const char*>(where) + sizeof(cell), size);
  return value;
}
void set_first_value(cell* where, std::size_t size, std::uint64_t value) noexcept {
  std::memcpy(reinterpret_cast<char*>(where) + sizeof(cell), &value, size);
}

std::uint32_t add_location(const cell* where, std::size_t size, std::uint64_t value) {
  if (e.used == max_locations) give_up("more atomics in one execution than the checker has room for");
  if (e.used == e.locations.size()) e.locations.emplace_back();
  location& fresh = e.locations[e.used];
  fresh.where = where;
  fresh.size = size;
  fresh.users = fresh.writers = 0;
  fresh.is_dead = false;
  fresh.order.clear();
  fresh.order.push_back({value, {}, 0});
  for (int t = 0; t < max_threads; ++t) {
    fibre& f = e.fibres[static_cast<std::size_t>(t)];
    place_of(f.seen, e.used) = place_of(f.to_acquire, e.used) = place_of(f.released, e.used) = 0;
  }
  place_of(e.sc, e.used) = 0;
  where->slot = e.used;
  where->execution = e.execution;
  return e.used++;
}

// Announces an operation on `loc`. A word of one thread, or one that is only read, is no choice (E3).
operation reach(std::uint32_t loc, action what, bool writes, std::memory_order order) noexcept {
  location& l = e.locations[loc];
  if (e.is_alone) return {};
  l.users |= one(e.self);
  if (writes) l.writers |= one(e.self);
  if (!e.shared.contains(l.where)) {
    if ((l.users & (l.users - 1)) == 0 || l.writers == 0) return {};
    e.shared.insert(l.where);
    e.learnt = true;
  }
  operation next{what, loc + 1, writes, order == std::memory_order_seq_cst, false};
  point(next);
  return next;
}

void finish(const operation& done) noexcept {
  ++clock_of(e.fibres[static_cast<std::size_t>(e.self)].seen, e.self);
  if (done.what != action::none) done_with(done);
}

}  // namespace

void begin_memory() noexcept {
  e.sc.at.fill(0);
  e.used = 0;
  pool_used = 0;
}

std::uint32_t location_of(const cell* where, std::size_t size) noexcept {
  if (where->execution != e.execution) return add_location(where, size, first_value(where, size));
  if (where->slot >= e.used || e.locations[where->slot].where != where) fail("an operation on memory that holds no atomic");
  if (e.locations[where->slot].is_dead) fail("an operation on an atomic that was destroyed");
  return where->slot;
}

void join(view& into, message from) noexcept {
  for (std::uint32_t i = 0; i < from.size; ++i) into.at[i] = std::max(into.at[i], from.at[i]);
}

message carried(const view& v) noexcept {
  const std::uint32_t size = view_size();
  if (pool_used + size > pool.size()) give_up("the checker's memory for messages is full: a smaller model is needed");
  std::uint32_t* copy = pool.data() + pool_used;
  std::copy_n(v.at.data(), size, copy);
  pool_used += size;
  return {copy, size};
}

void seq_cst_fence(int thread) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(thread)];
  for (std::uint32_t i = 0; i < view_size(); ++i) f.seen.at[i] = std::max(f.seen.at[i], f.to_acquire.at[i]);
  for (std::uint32_t i = max_threads; i < view_size(); ++i) {
    f.seen.at[i] = std::max(f.seen.at[i], e.sc.at[i]);  // V2, V3
    e.sc.at[i] = f.seen.at[i];
  }
  f.released = f.seen;
  ++clock_of(f.seen, thread);
}

void cell_created(cell* where, std::size_t size) noexcept {
  inside_engine guard;
  where->execution = 0;
  if (e.is_exploring) add_location(where, size, first_value(where, size));
}

void cell_destroyed(cell* where) noexcept {
  inside_engine guard;
  if (!e.is_exploring || where->execution != e.execution) return;
  const std::uint32_t loc = location_of(where, 1);
  record(action::note, {"", 0}, std::memory_order_relaxed, loc + 1, 0, -1, "destroyed");
  e.locations[loc].is_dead = true;
}

std::uint64_t atomic_load(const cell* where, std::size_t size, std::memory_order order, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return first_value(where, size);
  plain_access(where, 1, false, __builtin_return_address(0));
  order = mutated(order, at);
  const std::uint32_t loc = location_of(where, size);
  const operation mine = reach(loc, action::load, false, order);
  const std::uint32_t place = pick_place(loc, order);
  const written from = e.locations[loc].order[place];
  record(action::load, at, order, loc + 1, from.value, from.step);
  read(loc, place, order);
  if (!e.is_alone) note_polled(loc, place);
  finish(mine);
  return from.value;
}

namespace {

bool store(cell* where, std::size_t size, std::uint64_t value, std::memory_order order, const std::uint32_t* since, site at) {
  plain_access(where, 1, false, __builtin_return_address(0));
  const bool is_dropped = is_mistake(at) && e.mistake->drops;
  order = mutated(order, at);
  const std::uint32_t loc = location_of(where, size);
  const operation mine = reach(loc, action::store, true, order);
  const bool is_restarted = since && e.fibres[static_cast<std::size_t>(e.self)].interruptions != *since;
  record(action::store, at, order, loc + 1, value, -1,
         is_restarted ? "restarted instead" : is_dropped ? "dropped by the mutant" : "");
  if (!is_dropped && !is_restarted) write(loc, value, order, {});
  finish(mine);
  return !is_restarted;
}

}  // namespace

void atomic_store(cell* where, std::size_t size, std::uint64_t value, std::memory_order order, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return set_first_value(where, size, value);
  store(where, size, value, order, nullptr, at);
}

bool atomic_store_unless_interrupted(cell* where, std::size_t size, std::uint64_t value, std::memory_order order,
                                     std::uint32_t since, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return set_first_value(where, size, value), true;
  return store(where, size, value, order, &since, at);
}

namespace {
// Of the read-modify-write under way: what atomic_rmw_read leaves for atomic_rmw_write.
struct {
  operation mine;
  std::memory_order order;
  message passed_on;
} under_way;
}  // namespace

std::uint64_t atomic_rmw_read(cell* where, std::size_t size, std::memory_order order, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return first_value(where, size);
  plain_access(where, 1, false, __builtin_return_address(0));
  order = mutated(order, at);
  const std::uint32_t loc = location_of(where, size);
  const operation mine = reach(loc, action::rmw, true, order);
  const written from = e.locations[loc].order.back();
  record(action::rmw, at, order, loc + 1, from.value, from.step);
  read(loc, static_cast<std::uint32_t>(e.locations[loc].order.size()) - 1, order);
  under_way = {mine, order, from.carries};
  return from.value;
}

void atomic_rmw_write(cell* where, std::size_t size, std::uint64_t value) noexcept {
  inside_engine guard;
  if (!e.is_exploring) return set_first_value(where, size, value);
  write(where->slot, value, under_way.order, under_way.passed_on);
  if (!e.is_alone) note_polled(where->slot, static_cast<std::uint32_t>(e.locations[where->slot].order.size()) - 1);
  finish(under_way.mine);
}

bool atomic_cas(cell* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                std::memory_order failure, bool may_fail, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring) {
    const std::uint64_t now = first_value(where, size);
    const bool equal = now == expected;
    if (equal) set_first_value(where, size, desired);
    else expected = now;
    return equal;
  }
  plain_access(where, 1, false, __builtin_return_address(0));
  success = mutated(success, at);
  failure = mutated(failure, at);
  const std::uint32_t loc = location_of(where, size);
  const operation mine = reach(loc, action::rmw, true, success == std::memory_order_seq_cst ? success : failure);
  auto& stores = e.locations[loc].order;
  const auto last = static_cast<std::uint32_t>(stores.size()) - 1;
  // A failing one is a load: it may fail for an old value. One that finds `expected` must find it last.
  std::uint32_t place = pick_place(loc, failure);
  if (place != last && stores[place].value == expected) place = last;
  bool wins = place == last && stores[last].value == expected;
  const bool for_no_reason = wins && may_fail && e.spurious < e.limits.spurious && pick(2) == 1;
  if (for_no_reason) {
    wins = false;
    ++e.spurious;
  }
  const written from = stores[place];
  record(action::rmw, at, wins ? success : failure, loc + 1, from.value, from.step,
         wins ? "swapped" : for_no_reason ? "failed for no reason" : "failed");
  read(loc, place, wins ? success : failure);
  if (wins) write(loc, desired, success, from.carries);
  else expected = from.value;
  if (!e.is_alone) note_polled(loc, wins ? last + 1 : place);
  finish(mine);
  return wins;
}

void atomic_fence(std::memory_order order, site at) noexcept {
  inside_engine guard;
  if (!e.is_exploring || is_mistake(at)) return;
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  if (order == std::memory_order_seq_cst) {
    const operation mine{action::fence, 0, false, true, false};
    if (!e.is_alone) point(mine);
    record(action::fence, at, order, 0, 0, -1);
    seq_cst_fence(e.self);
    if (!e.is_alone) done_with(mine);
    return;
  }
  record(action::fence, at, order, 0, 0, -1);
  if (is_acquire(order))
    for (std::uint32_t i = 0; i < view_size(); ++i) f.seen.at[i] = std::max(f.seen.at[i], f.to_acquire.at[i]);
  if (is_release(order)) f.released = f.seen;
  ++clock_of(f.seen, e.self);
}

}  // namespace model
