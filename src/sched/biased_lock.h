// The lock of a channel: a spin lock that a worker takes and releases by plain stores once it has long been the only one to.
//
// A locked instruction costs 6 ns here, a third of a buffered send. Most channels are used by goroutines of one processor
// at a time, and so by one worker. After `wanted_` acquisitions in a row by the same worker the lock is biased to it: it
// takes the lock by writing the lock's address into a slot of its own and looking whether the lock is still its; a
// compiler fence is enough between the two. Anybody else who wants the lock takes the bias away first: changes the word,
// makes every thread pass a fence, and waits until the worker's slots do not name the lock.
//
//   B1  word_ is 0: free; held; or a worker with biased_bit: that worker's to take, or taken by it.
//   B2  The worker to which the lock is biased holds it from the moment when it has named it in a slot and then seen the
//       bias, until it clears the slot. Slot store and word load against word exchange and slot load are the asymmetric
//       Dekker of worker.h: one of the two sees the other.
//   B3  Who takes the bias away holds the lock (word_ == held) when the worker's slots do not name it, and not before.
//   B4  last_, streak_ and wanted_ belong to the holder.
//   B5  A bias belongs to the thread, not to the processor: retaking a processor changes nothing here. Workers are never
//       freed. unlock() touches nothing of a lock held by bias.
// A revocation costs 1 to 10 µs, a bias saves 6 ns per acquisition: after each the lock must have been one worker's for
// eight times as long, at first for 256 acquisitions. So the revocations of any program cost less than what the locked
// instructions would have. Plain threads never get a bias.
// Refused: a bias to the creator (most channels are made by one and used by others); a bias for weft::mutex (its fast path
// is inlined, and a mutex is mostly about several processors); asking the owner to give the bias back (it may compute).
// Checked by tests/model/biased_lock_model.cpp; the channel over it by chan_model.cpp and select_model.cpp.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/spinlock.h"
#include "sched/worker.h"

namespace weft::sched {

class biased_lock {
 public:
  constexpr biased_lock() noexcept = default;
  biased_lock(const biased_lock&) = delete;
  biased_lock& operator=(const biased_lock&) = delete;

  // `slot`: how many biased locks the thread holds already. Beyond worker::lock_slots the bias is given up.
  void lock(std::uint32_t slot = 0) noexcept { lock_for(this_worker(), slot); }
  void lock_for(worker* w, std::uint32_t slot = 0) noexcept {  // `w`: this_worker()
    if (word_.load(base::relaxed) != bias_to(w) || !lock_by_bias(*w, slot)) lock_shared(w);
    base::note_locked(base::lock_rank::channel);
  }
  void unlock(std::uint32_t slot = 0) noexcept { unlock_for(this_worker(), slot); }
  void unlock_for(worker* w, std::uint32_t slot = 0) noexcept {  // `w`: this_worker()
    base::note_unlocked(base::lock_rank::channel);
    if (w && slot < worker::lock_slots && w->holds[slot].load(base::relaxed) == this) [[likely]]
      w->holds[slot].store(nullptr, base::release);  // release: pairs with the acquire of take_bias()
    else
      unlock_shared(w);
  }

  // For a worker that is known and holds no other one. False: it would have to wait, or to take the bias away.
  [[nodiscard]] bool try_lock(worker& w) noexcept {
    std::uintptr_t seen = word_.load(base::relaxed);
    if (seen == bias_to(&w)) [[likely]] {
      if (!lock_by_bias(w, 0)) [[unlikely]] return false;
    } else if (seen != 0 || !word_.compare_exchange_strong(seen, held, base::acquire, base::relaxed)) {
      return false;
    }
    base::note_locked(base::lock_rank::channel);
    return true;
  }

  // For a worker that is known and holds `slot` others, all by their bias. False: it is not biased to the worker.
  [[nodiscard]] bool try_lock_by_bias(worker& w, std::uint32_t slot) noexcept {
    if (unlike_bias_to(w) != 0 || !lock_by_bias(w, slot)) [[unlikely]] return false;
    base::note_locked(base::lock_rank::channel);
    return true;
  }
  [[nodiscard]] bool try_unlock_by_bias(worker& w) noexcept {  // by its holder, in slot 0
    if (w.holds[0].load(base::relaxed) != this) return false;
    unlock_by_bias(w, 1);
    return true;
  }
  static void unlock_by_bias(worker& w, std::uint32_t slots) noexcept {  // the first `slots`
    for (std::uint32_t i = 0; i < slots; ++i) {
      base::note_unlocked(base::lock_rank::channel);
      w.holds[i].store(nullptr, base::release);  // release: pairs with the acquire of take_bias()
    }
  }

  // Whoever has looked at what this lock guards and then sees this, has seen it as nobody else can have changed it since:
  // another thread's change comes after a fence in this one (B2), which is after this look.
  [[nodiscard]] bool is_mine() const noexcept { return word_.load(base::acquire) == bias_to(this_worker()); }
  // The same, asked of many locks for a worker that is known: 0, or else it is not this one's.
  [[nodiscard]] std::uintptr_t unlike_bias_to(const worker& w) const noexcept {
    return (word_.load(base::acquire) - biased_bit) ^ reinterpret_cast<std::uintptr_t>(&w);
  }
  // For those who could do without the lock at the price of a fence, and would never be given a bias: now and then they are
  // to take it.
  [[nodiscard]] static bool is_due() noexcept {
    worker* w = this_worker();
    return w && ++w->unlocked_looks % 16 == 0;
  }

 private:
  static constexpr std::uintptr_t held = 1, biased_bit = 2;
  static constexpr std::uint32_t first_wanted = 256, most_wanted = 1u << 24;
  static std::uintptr_t bias_to(const worker* w) noexcept { return reinterpret_cast<std::uintptr_t>(w) | biased_bit; }

  bool lock_by_bias(worker& w, std::uint32_t slot) noexcept {
    if (slot >= worker::lock_slots || arch::is_set(w.holds[slot], base::relaxed)) [[unlikely]] return false;
    w.holds[slot].store(this, base::relaxed);
    base::compiler_fence();  // as good as a light fence: there is membarrier (bias_now()). Pairs with take_bias(): B2
    if (word_.load(base::relaxed) == bias_to(&w)) [[likely]] return true;
    w.holds[slot].store(nullptr, base::release);  // release: what was done under earlier biases, for take_bias()
    return false;
  }
  void lock_shared(worker* w) noexcept {
    std::uintptr_t free = 0;
    if (!word_.compare_exchange_strong(free, held, base::acquire, base::relaxed)) [[unlikely]] lock_contended(w);
  }
  void unlock_shared(worker* w) noexcept {
    std::uintptr_t next = 0;
    if (last_ != w) {
      last_ = w;
      streak_ = 0;
    } else if (++streak_ >= wanted_ && w) [[unlikely]] {
      next = bias_now(*w);
    }
    word_.store(next, base::release);
  }
  [[gnu::noinline, gnu::cold]] void lock_contended(worker* w) noexcept;
  [[gnu::noinline, gnu::cold]] std::uintptr_t bias_now(worker& w) noexcept;
  bool take_bias(worker* w, std::uintptr_t seen) noexcept;

  base::atomic<std::uintptr_t> word_{0};  // B1
  worker* last_ = nullptr;                // B4: who held it last without a bias
  std::uint32_t streak_ = 0;              // ... and how often in a row
  std::uint32_t wanted_ = first_wanted;
};

}  // namespace weft::sched
