// The reference model: what Go says channels, select, timers and contexts do, one operation after the other.
//
// Waiters are explicit, first come, first served; an operation may end others. What is left open is which of several ready
// cases a select takes, and which of its own cases in one queue is served: the model is told what happened and says whether
// it may.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "program.h"

namespace fuzz {

class reference {
 public:
  explicit reference(const program& p) {
    for (int c = 0; c < plain_channels; ++c) state_[c].capacity = static_cast<std::size_t>(p.capacity[c]);
    state_[timer_channel].capacity = 1;
  }

  // The worker performs `op`. `seen` holds, for it and for all who are blocked, how their operation ended: now or later; one
  // that has not ended never will. False: Go would not allow that. REQUIRES: the worker is not blocked.
  bool perform(int worker, const operation& op, const std::map<int, outcome>& seen) {
    seen_ = &seen;
    ended_.clear();
    if (!begin(worker, op, at(worker))) return false;
    return std::ranges::all_of(ended_, [&](const auto& e) { return at(e.first) == e.second; });
  }
  // A cancel closes one done() after the other, parents first, and somebody else's cancel of the same context does not wait
  // for that (Go: "the close of the Done channel may happen asynchronously"): so each close is a step of its own.
  bool is_closing(int worker) const { return !closing_[worker].empty(); }
  bool close_next(int worker, const std::map<int, outcome>& seen) {
    seen_ = &seen;
    ended_.clear();
    close(closing_[worker].front());
    closing_[worker].pop_front();
    return std::ranges::all_of(ended_, [&](const auto& e) { return at(e.first) == e.second; });
  }
  // Nobody runs any more: those are blocked who have not ended.
  bool agrees_at_rest(const std::map<int, outcome>& seen) const {
    return std::ranges::all_of(seen, [&](const auto& s) { return s.second.has_ended != is_blocked(s.first); });
  }
  bool is_blocked(int worker) const { return waiting_.contains(worker); }

  // Two states that print alike behave alike.
  std::string print() const;

 private:
  struct waiter {
    int worker, position;
  };
  struct channel {
    std::size_t capacity = 0;
    bool is_closed = false;
    std::deque<int> buffer;
    std::deque<waiter> senders, receivers;
  };

  outcome at(int worker) const {
    const auto found = seen_->find(worker);
    return found == seen_->end() ? outcome{} : found->second;
  }
  bool is_ready(const one_case& c) const {
    const channel& ch = state_[c.channel];
    if (!c.is_enabled || c.channel == nil_channel) return false;
    if (ch.is_closed) return true;
    return c.is_send ? ch.buffer.size() < ch.capacity || !ch.receivers.empty() : !ch.buffer.empty() || !ch.senders.empty();
  }

  bool begin(int worker, const operation& op, const outcome& own) {
    switch (op.what) {
      case action::close: return close_by(op.cases[0].channel, own);
      case action::cancel:
        for (int c = op.cases[0].channel; c < channels; ++c)
          if (!is_cancelled_[c]) is_cancelled_[c] = true, closing_[worker].push_back(c);
        return own == outcome{true, 0, 0, false};
      case action::stop_timer: state_[timer_channel].buffer.clear(); return own == outcome{true, 0, 0, false};
      case action::fire_timer:
        state_[timer_channel].buffer.clear();
        put(timer_channel, 1);
        return own == outcome{true, 0, 0, false};
      default: return choose(worker, op, own);
    }
  }

  bool choose(int worker, const operation& op, const outcome& own) {
    const bool any_ready = std::ranges::any_of(op.cases, [&](const auto& c) { return is_ready(c); });
    // A try_recv that finds nothing and one that finds a close look alike to its caller.
    const bool finds_nothing = op.what == action::try_recv && state_[op.cases[0].channel].is_closed &&
                               state_[op.cases[0].channel].buffer.empty();
    if (!any_ready || finds_nothing) {
      if (op.what == action::try_send || op.what == action::try_recv || op.what == action::try_select)
        return own == outcome{true, -1, 0, false};
      waiting_.emplace(worker, op);
      for (int i = 0; i < static_cast<int>(op.cases.size()); ++i) {
        const auto& c = op.cases[static_cast<std::size_t>(i)];
        if (c.is_enabled && c.channel != nil_channel) queue_of(c).push_back({worker, i});
      }
      return true;
    }
    if (!own.has_ended) return false;
    if (own.threw)  // some send on a closed channel was chosen: nothing else has happened
      return std::ranges::any_of(
          op.cases, [&](const auto& c) { return c.is_send && is_ready(c) && state_[c.channel].is_closed; });
    if (own.fired < 0 || own.fired >= static_cast<int>(op.cases.size())) return false;
    const auto& c = op.cases[static_cast<std::size_t>(own.fired)];
    if (!is_ready(c)) return false;
    if (!c.is_send) return own.received == take(c.channel);
    if (state_[c.channel].is_closed) return false;  // it would have thrown
    put(c.channel, c.value);
    return own.received == 0;
  }

  bool close_by(int c, const outcome& own) {
    if (c == nil_channel || state_[c].is_closed) return own == outcome{true, 0, 0, true};
    close(c);
    return own == outcome{true, 0, 0, false};
  }
  void close(int c) {
    channel& ch = state_[c];
    ch.is_closed = true;
    while (!ch.receivers.empty()) end(ch.receivers, false, 0);
    while (!ch.senders.empty()) end(ch.senders, true, 0);
  }

  void put(int c, int value) {
    channel& ch = state_[c];
    if (!ch.receivers.empty()) end(ch.receivers, false, value);
    else ch.buffer.push_back(value);
  }
  int take(int c) {
    channel& ch = state_[c];
    if (ch.buffer.empty()) return ch.senders.empty() ? 0 : end(ch.senders, false, 0);
    const int oldest = ch.buffer.front();
    ch.buffer.pop_front();
    if (!ch.senders.empty()) ch.buffer.push_back(end(ch.senders, false, 0));
    return oldest;
  }

  // Ends the operation of the first in the queue. Of its cases in this queue, the one it reports counts, if it is one of
  // them. Returns the value that it sent.
  int end(std::deque<waiter>& queue, bool throws, int received) {
    const int worker = queue.front().worker;
    int position = queue.front().position;
    const operation op = waiting_.at(worker);
    for (const waiter& w : queue)
      if (w.worker == worker && w.position == at(worker).fired) position = w.position;
    ended_[worker] = throws ? outcome{true, -1, 0, true} : outcome{true, position, received, false};
    waiting_.erase(worker);
    for (auto& ch : state_)
      for (auto* waiters : {&ch.senders, &ch.receivers})
        std::erase_if(*waiters, [=](const waiter& w) { return w.worker == worker; });
    return op.cases[static_cast<std::size_t>(position)].value;
  }

  std::deque<waiter>& queue_of(const one_case& c) {
    return c.is_send ? state_[c.channel].senders : state_[c.channel].receivers;
  }

  channel state_[channels];
  bool is_cancelled_[channels] = {};
  std::deque<int> closing_[workers];   // by a cancel of this worker
  std::map<int, operation> waiting_;   // who is blocked, and in what
  std::map<int, outcome> ended_;       // whose operation the current one has ended
  const std::map<int, outcome>* seen_ = nullptr;
};

inline std::string reference::print() const {
  std::string text;
  for (const auto& ch : state_) {
    text += ch.is_closed ? '!' : '.';
    for (int v : ch.buffer) text += std::to_string(v) + ',';
    for (const auto* waiters : {&ch.senders, &ch.receivers}) {
      text += '|';
      for (const auto& w : *waiters) text += std::to_string(w.worker) + ':' + std::to_string(w.position) + ',';
    }
  }
  for (const auto& closes : closing_) {
    text += ';';
    for (int c : closes) text += std::to_string(c);
  }
  for (bool is_cancelled : is_cancelled_) text += is_cancelled ? 'c' : '-';
  return text;
}

}  // namespace fuzz
