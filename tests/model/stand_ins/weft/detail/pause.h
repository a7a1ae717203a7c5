// Stands in for include/weft/detail/pause.h, so that a loop that spins does not run for ever in the model.
#pragma once

namespace model {
void yield() noexcept;  // others go first
void spin() noexcept;   // sleeps until one of the words that the thread read since its last spin has a new value
}  // namespace model

namespace weft::base {

inline void pause() noexcept { model::yield(); }

class backoff {
 public:
  void wait() noexcept {
    ++rounds_;
    model::spin();
  }
  [[nodiscard]] unsigned rounds() const noexcept { return rounds_; }

 private:
  void give_way() noexcept;  // defined in base/spinlock.cpp; not called here
  unsigned rounds_ = 0;
};

}  // namespace weft::base
