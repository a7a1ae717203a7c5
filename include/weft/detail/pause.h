// What a spinning thread does between two looks.
#pragma once

namespace weft::base {

inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Spins politely: a few pauses, then sched_yield, then short sleeps, so that a descheduled holder gets its core back.
class backoff {
 public:
  void wait() noexcept {
    if (++rounds_ < 64) pause();
    else give_way();
  }

 private:
  void give_way() noexcept;  // sched_yield, then 20 µs naps
  unsigned rounds_ = 0;
};

}  // namespace weft::base
