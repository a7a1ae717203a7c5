// The cancellable links of the context tree: with_cancel, with_deadline and with_signals make one each.
//
//   C1  A link's list of listeners holds a reference on each of them; each listener holds one on the link. The circle
//       is broken when the link is cancelled or the listener leaves, and every link is cancelled: its cancel_context
//       sees to that.
//   C2  `is_cancelled` is set once, under the lock, after `reason` and `cause`, which never change again.
//   C3  From then on the list is no longer the link's: it belongs to whoever cancelled it. A listener that wants to
//       leave and finds the link cancelled leaves everything as it is.
//   C4  `stop` is installed at most once, under the lock, and only while the link is not cancelled; latecomers get one
//       that is stopped from the start. So whoever cancels finds all there will ever be.
//   C5  The same for `done`, with `is_told` in the place of `is_cancelled`: it is set after the stop request, so that
//       whoever sees done() closed, as a latecomer too, sees the token stopped.
#pragma once

#include <optional>
#include <stop_token>
#include <system_error>

#include <weft/chan.h>
#include <weft/clock.h>
#include <weft/detail/context_node.h>
#include <weft/error.h>
#include <weft/time.h>

#include "base/atomic.h"
#include "base/spinlock.h"

namespace weft::detail {

class listener_list {
 public:
  void push_back(cancel_listener& listener) noexcept;
  cancel_listener* pop_front() noexcept;  // null: empty
  void remove(cancel_listener& listener) noexcept;
  void splice_back(listener_list& other) noexcept;  // takes everything; `other` is empty afterwards

 private:
  cancel_listener* first_ = nullptr;
  cancel_listener* last_ = nullptr;
};

struct cancel_node : context_node, cancel_listener {
  cancel_node(context_node* above, std::optional<clock::time_point> until) noexcept;

  // The owner has cancelled: what could cancel besides parents and timers is taken down.
  virtual void retire() noexcept {}

  cancel_node* const told_by;                       // the nearest cancellable link above; held through `parent`
  const std::optional<clock::time_point> deadline;  // the earliest, from here upwards

  base::spinlock lock{base::lock_rank::context_tree};  // never two links' at a time
  base::atomic<bool> is_cancelled{false};              // C2
  std::errc reason{};                                  // C2
  error cause;                                         // C2; zero: err() itself
  listener_list listeners;                             // guarded by lock until cancelled: C3
  base::atomic<bool> has_stop{false};                  // C4
  std::stop_source stop{std::nostopstate};             // readable once has_stop
  base::atomic<bool> is_told{false}, has_done{false};  // C5
  chan<void> done{nullptr};                            // readable once has_done
  base::atomic<timer_core*> timer{nullptr};            // null: none yet; else a reference: see retire_timer
};

// Joins the list of the link above; cancelled at once when that one is.
void link_below_parent(cancel_node& node) noexcept;

// Cancels `node` and all below it; nothing when it is cancelled already. A zero `cause` means err() itself. The caller
// holds a reference on `node`. Does not park; runs stop callbacks.
void cancel(cancel_node& node, std::errc reason, const error& cause) noexcept;

// The same from where user code must not run: a timer, the signal thread. Takes over the caller's reference.
void cancel_in_goroutine(cancel_node* node, std::errc reason, error cause);

void request_stop(std::stop_source&) noexcept;  // stop.cpp says why it stands apart

void arm_deadline(cancel_node& node);  // REQUIRES: node.deadline

}  // namespace weft::detail
