// A descriptor: one file descriptor known to the poller, with all that is needed to block on it.
//
//   poll::descriptor* d = poll::open(fd, error);          // the fd is non-blocking, and belongs to d from here on
//   auto [count, failed] = d->perform(direction::read, limits, [&](int fd) { return os::receive(fd, buffer); });
//   d->close();                                           // wakes everybody; the fd is closed when the last caller has left
//   d->forget();                                          // this handle was the last use of d
//
// Descriptors live in memory that is never given back to the allocator, and are used again: a stale pointer, in an event
// that the kernel had already queued, still points to a descriptor, and its generation tells that it is another (D5).
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>

#include "base/race.h"
#include "poll/gate.h"
#include "poll/readiness.h"
#include "poll/rounds.h"

namespace weft::poll {

// What a non-blocking system call gave: a count, or an errno value.
struct attempt {
  ssize_t count = 0;
  int error = 0;
  // A stream's read that got less than it asked for has emptied it (D4). Only for kinds of descriptor where that holds:
  // TCP; not Unix sockets, terminals or pipes.
  bool is_short = false;
};

// From the results of os/: a count, or a negative errno value.
inline attempt attempt_of(ssize_t count_or_error) noexcept {
  return count_or_error >= 0 ? attempt{count_or_error, 0} : attempt{-1, static_cast<int>(-count_or_error)};
}

class alignas(128) descriptor {
 public:
  // Calls `act(fd)` until it no longer fails with EAGAIN, and waits between. Callers of one direction take turns, from the
  // first call to the last. The errors besides `act`'s own: ECANCELED (closed), ETIMEDOUT (a deadline), and
  // what the context says. One that is cancelled already is not waited with, but does not keep `act` from succeeding.
  template <class Act>
  attempt perform(direction d, const patience& limits, Act&& act);

  // Calls act(fd) while the fd is sure to stay open. False: it is closed.
  template <class Act>
  bool with_fd(Act&& act);

  // For streams: reads may go rounds instead of waiting for events. REQUIRES: from here on all that wait to read are in
  // perform() (rounds.h, R3); called before any.
  void go_rounds() noexcept { rounds_.begin(true); }
  [[nodiscard]] bool is_muted() const noexcept { return rounds_.is_muted(); }  // for tests; asked by the reader

  // Waits until a moment, for want of anything better to wait for; a deadline, close() and the context end it too.
  outcome pause(direction d, const patience& until) { return ready_.pause(d, until); }

  // As perform(), for those who hold no turn: whoever waits in that direction, all are woken.
  outcome wait(direction d, const patience& limits = {}) { return ready_.wait(d, limits); }

  void set_deadline(direction d, std::int64_t when_ns);

  // The halves of with_fd(), for those who stay longer.
  [[nodiscard]] bool enter() noexcept { return gate_.enter(); }
  void leave() {
    if (!gate_.leave()) [[unlikely]] finish();
  }

  void close();   // idempotent
  void forget();  // closes; the caller's last use

  void disown() noexcept { fd_ = -1; }  // REQUIRES: no other caller. It will not be closed with the descriptor
  [[nodiscard]] int fd() const noexcept { return fd_; }  // stays open only while the caller is inside
  [[nodiscard]] readiness& ready() noexcept { return ready_; }

 private:
  friend class registry;
  void give_turn(direction d) {
    if (!gate_.give_turn(d)) [[unlikely]] finish();
  }
  void finish();
  void mute();
  void unmute();
  [[nodiscard]] std::uint64_t key() const noexcept { return std::uint64_t{generation_} << 32 | index_; }

  // In this order: what an operation and an event touch are the first two lines of the cache (registry::prefetch).
  gate gate_;
  int fd_ = -1;
  std::uint32_t index_ = 0;
  rounds rounds_;  // the reader's
  readiness ready_;
  std::uint32_t generation_ = 0;
  descriptor* next_free_ = nullptr;  // registry.cpp
};

// Makes `fd` known to the poller; starts the poller at the first call. Null, with the errno value: then the fd is still the
// caller's. EPERM: it is of a kind that is always ready.
descriptor* open(int fd, int& error);

int error_of(outcome why, const patience& limits) noexcept;  // ECANCELED or ETIMEDOUT; 0 for ready

// For the race detector, as Go has it: what is read from the world comes after everything that was written to it before.
inline const char io_order = 0;

template <class Act>
attempt descriptor::perform(direction d, const patience& limits, Act&& act) {
  if (const outcome turn = gate_.take_turn(d, limits); turn != outcome::ready) [[unlikely]] return {-1, error_of(turn, limits)};
  attempt result{-1, ETIMEDOUT};
  bool in_round = false;
  while (!ready_.expired(d)) {
    const std::uint64_t edge = ready_.edge(d);
    if (in_round || ready_.worth_trying(d)) {
      if (d == direction::write) base::race::release(&io_order);
      result = act(fd_);
      if (result.error == 0) {
        if (result.is_short) ready_.drained_unless_closing(d, edge);
        if (in_round && rounds_.found()) mute();
        break;
      }
      if (result.error != EAGAIN) break;
      ready_.drained(d, edge);
      result = {-1, ETIMEDOUT};  // if the deadline passes before the next try
    }
    if (d == direction::read) {
      if (in_round) rounds_.found_nothing();
      in_round = in_round ? rounds_.go_another() : rounds_.go_one();
      if (in_round) continue;
      if (rounds_.is_muted()) [[unlikely]] unmute();
    }
    if (const outcome end = ready_.wait(d, limits); end != outcome::ready) {
      result = {-1, error_of(end, limits)};
      break;
    }
  }
  if (d == direction::read) base::race::acquire(&io_order);
  give_turn(d);
  return result;
}

template <class Act>
bool descriptor::with_fd(Act&& act) {
  if (!gate_.enter()) return false;
  act(fd_);
  leave();
  return true;
}

}  // namespace weft::poll
