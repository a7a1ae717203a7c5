// Rounds: a busy descriptor is read when its reader's turn comes, and the kernel is asked not to tell. After NAPI, by which
// Linux's network drivers leave interrupts off while there is work.
//
// A busy server has many goroutines in line, and by the time one of them would be told that its peer has written, the data
// has often been there for long. So a reader that would have to wait goes to the end of the line instead, and tries again when
// its turn comes. It is then served no later than by an event, which would have put it there too, and what an event costs (a
// look by the kernel, a copy, a lock, a sleep) is saved. Once the tries succeed one after another, the kernel's
// notifications are switched off ("muted"), and a message is two system calls and nothing else.
//
//   R1  One round per wait, only behind a `crowd` of others, so that nobody spins: who finds nothing waits as ever. While
//       muted, one more: to unmute, to be told and to mute again costs more than a try in vain.
//   R2  Rounds that find nothing get rarer: after the k-th in a row, the next 2^k - 1 waits (63 at most) go without.
//   R3  Only who has the turn to read (gate.h) mutes or unmutes, and nobody sleeps on a muted descriptor: the reader unmutes
//       before it waits, and the kernel then tells once more of what is there. So only for descriptors whose readers all
//       hold the turn (descriptor.h: perform()); go_rounds() says so.
//   R4  While muted, `drained` (readiness.h) proves nothing, so every read tries. Writing is told of as ever.
//   R5  The poller itself is looked at on time whoever goes rounds (loop.cpp, P5).
//
// Refused: rounds without muting, half of the gain; for listeners, whose events bring many connections each; for everybody
// else's descriptors (pipes, hooks), where R3 does not hold.
// Owned by who has the turn to read, so nothing here is atomic. Checked by tests/model/poller_model.cpp.
#pragma once

#include <cstdint>

namespace weft::poll {

class rounds {
 public:
  static constexpr std::uint32_t crowd = 16;    // goroutines in line on this processor
  static constexpr std::uint8_t hits_to_mute = 4, miss_costs = 2, longest_rest = 63;

  void begin(bool allowed) noexcept { *this = rounds{}, is_allowed_ = allowed; }
  [[nodiscard]] bool is_muted() const noexcept { return is_muted_; }

  // Before a wait. True: others have run, or the descriptor is muted and must be tried anyhow.
  bool go_one();
  // After a round that found nothing. True: and now others have run once more.
  bool go_another();

  // What came of it.
  void found_nothing() noexcept {
    hits_ = is_muted_ && hits_ > miss_costs ? static_cast<std::uint8_t>(hits_ - miss_costs) : 0;
    if (hits_ != 0) return;
    rest_after_miss_ = static_cast<std::uint8_t>(2 * rest_after_miss_ + 1);
    if (rest_after_miss_ > longest_rest) rest_after_miss_ = longest_rest;
    rest_ = rest_after_miss_;
  }
  [[nodiscard]] bool found() noexcept {  // true: time to mute
    rest_after_miss_ = 0;
    if (hits_ < hits_to_mute) ++hits_;
    return hits_ == hits_to_mute && !is_muted_;
  }
  void note_muted(bool now) noexcept { is_muted_ = now; }

 private:
  bool is_allowed_ = false;
  bool is_muted_ = false;
  std::uint8_t hits_ = 0;             // rounds in a row that found something; while muted, less what misses have cost
  std::uint8_t rest_ = 0;             // waits to go before the next round (R2)
  std::uint8_t rest_after_miss_ = 0;  // 2^k - 1 after k misses in a row
};

}  // namespace weft::poll
