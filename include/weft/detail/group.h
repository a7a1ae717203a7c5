// The counter of a wait_group as the scheduler knows it: goroutines are born into a group and leave it when they end
// (sched/account.h), without a call into the layer above.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.h>

namespace weft::detail {

struct newborn;
struct sleeper;
struct small_kind;

struct group {
  static constexpr int counter_shift = 32;
  static constexpr std::uint64_t one = std::uint64_t{1} << counter_shift, waiters_mask = one - 1;
  static constexpr std::int32_t counter(std::uint64_t word) noexcept { return static_cast<std::int32_t>(word >> counter_shift); }

  constexpr explicit group(void (*release)(group&) noexcept) noexcept : release_waiters(release) {}

  base::atomic<std::uint64_t> state{0};             // counter in the upper half, waiters in the lower
  base::atomic<sleeper*> first_waiter{nullptr};     // the first one that is counted; sync/wait_group.cpp, WG2
  void (*const release_waiters)(group&) noexcept;   // takes the last unit away, with waiters counted, and wakes them
};

// As spawn(), into a group: counts it there from here on until it and its closure are gone.
void spawn_into_group(newborn*, group&);
void spawn_small_into_group(const small_kind&, const std::uint64_t* closure, group&);

}  // namespace weft::detail
