// Why a goroutine is parked. Dumps, deadlock reports and traces print the text; the words are Go's where Go has one.
#pragma once

#include <cstdint>

namespace weft::sched {

enum class wait_reason : std::uint8_t {
  none,
  chan_send,
  chan_send_nil,
  chan_receive,
  chan_receive_nil,
  select,
  select_no_cases,
  mutex_lock,
  rw_mutex_lock,
  rw_mutex_lock_shared,
  cond_wait,
  wait_group_wait,
  semaphore_acquire,
  sleep,
  io_wait,     // for a descriptor to become ready
  io_turn,     // for another caller to be done with the same side of a descriptor
  run,         // a plain thread inside weft::run
  bubble,      // the caller of testing::bubble or testing::explore
  settle,      // testing::settle
  count_
};

constexpr const char* describe(wait_reason reason) noexcept {
  constexpr const char* texts[] = {"running",         "chan send",         "chan send (nil chan)", "chan receive",
                                   "chan receive (nil chan)", "select",    "select (no cases)",    "mutex lock",
                                   "rw_mutex lock",   "rw_mutex lock shared", "cond wait",         "wait_group wait",
                                   "semaphore acquire", "sleep",           "IO wait",           "IO turn",
                                   "run",             "bubble",            "settle"};
  static_assert(sizeof texts / sizeof *texts == static_cast<unsigned>(wait_reason::count_));
  return texts[static_cast<unsigned>(reason)];
}

}  // namespace weft::sched
