// Select: the claim word and the moment of "nothing is ready". chan/select.cpp, S1, S2 and S4; detail/waiter.h, W1 to W3;
// chan/channel.h, C5. Every order of looking and choosing is explored.
//
//   S1, W2  A sleep with several waiters is won once: of two wakers one is served, the other finds a later waiter or waits;
//           the value moved is that of the case that fired.
//   S2, W1  Once a select has returned, none of its waiters is in a queue.
//   W3      A plain waiter in the same queues is served as if no select were there.
//   S4, C5  try_select that finds nothing had a moment at which nothing was ready: a token that moves from one channel to
//           the other, and is in at least one of them at every moment, is not missed.
#include <gtest/gtest.h>

#include <weft/select.h>

#include "chan/channel.h"
#include "engine/model.h"
#include "sched/seam.h"
#include "sleepers.h"

namespace {

using weft::chan;

void check_rest(std::initializer_list<const chan<int>*> channels) {
  for (const auto* ch : channels) {
    const auto* core = weft::detail::channel_access::ref(*ch).get();
    model::check(core->receivers.empty() && core->senders.empty(), "S2: a waiter is left in a queue");
  }
  sleepers::check_no_wake_is_left_over();
}

// Right after a select, while nobody else receives from these.
void check_no_receiver(std::initializer_list<const chan<int>*> channels) {
  for (const auto* ch : channels) {
    auto* core = weft::detail::channel_access::ref(*ch).get();
    weft::base::locked hold(core->lock);
    model::check(core->receivers.empty(), "S2: a select has returned and one of its waiters is still in a queue");
  }
}

// What two receive cases brought.
int taken(weft::recv_case<int>& a, weft::recv_case<int>& b) {
  model::check(bool(a) != bool(b), "S1: exactly one case fires");
  return (a ? a.take() : b.take()).value_or(0);
}

void two_wakers() {
  sleepers::explore_random_choices();
  chan<int> a, b;
  int first = 0, second = 0;
  model::parallel({{"to a", [&] { a.send(1); }},
                   {"to b", [&] { b.send(2); }},
                   {"select", [&] {
                      auto from_a = weft::on_recv(a);
                      auto from_b = weft::on_recv(b);
                      weft::select(from_a, from_b);
                      check_no_receiver({&a, &b});
                      first = taken(from_a, from_b);
                      second = (first == 1 ? b : a).recv().value_or(0);
                    }}});
  model::check(first + second == 3 && first != second, "W2: both values arrive, each once");
  check_rest({&a, &b});
}

void crosswise() {
  sleepers::explore_random_choices();
  chan<int> a, b;
  int left = 0, right = 0;
  bool left_sent = false, right_sent = false;
  model::parallel({{"left", [&] {
                      auto out = weft::on_send(a, 1);
                      auto in = weft::on_recv(b);
                      left_sent = weft::select(out, in) == 0;
                      left = in.take().value_or(0);
                    }},
                   {"right", [&] {
                      auto out = weft::on_send(b, 2);
                      auto in = weft::on_recv(a);
                      right_sent = weft::select(out, in) == 0;
                      right = in.take().value_or(0);
                    }}});
  model::check(left_sent != right_sent, "S1: one sends, the other receives");
  model::check(left == (right_sent ? 2 : 0) && right == (left_sent ? 1 : 0), "W2: the value of the case that fired");
  check_rest({&a, &b});
}

// The sleeper of two cases and a plain receiver wait at one channel: a value goes to either, never to both or to none.
void beside_a_plain_receiver() {
  chan<int> a, b;
  int by_select = 0, by_recv = 0;
  model::parallel({{"select", [&] {
                      auto from_a = weft::on_recv(a);
                      auto from_b = weft::on_recv(b);
                      weft::select(from_a, from_b);
                      by_select = taken(from_a, from_b);
                    }},
                   {"recv", [&] { by_recv = a.recv().value_or(0); }},
                   {"sender", [&] { a.send(1); a.send(2); }}});
  model::check(by_select + by_recv == 3 && by_select != by_recv, "W3: both are served");
  check_rest({&a, &b});
}

void close_against_a_value() {
  chan<int> a, b;
  int got = 0;
  bool was_sent = false, saw_close = false;
  model::parallel({{"select", [&] {
                      auto from_a = weft::on_recv(a);
                      auto from_b = weft::on_recv(b);
                      saw_close = weft::select(from_a, from_b) == 0;
                      got = taken(from_a, from_b);
                    }},
                   {"closer", [&] { a.close(); }},
                   {"tries", [&] { was_sent = b.try_send(2); }}});
  model::check(saw_close != was_sent && got == (was_sent ? 2 : 0), "S1: the close or the value, not both");
  check_rest({&a, &b});
}

// The deadline is one more claimant.
void deadline_against_a_value() {
  chan<int> ch;
  int got = 0;
  bool was_sent = false, was_late = false;
  model::parallel({{"select", [&] {
                      auto value = weft::on_recv(ch);
                      auto late = weft::on_timeout(weft::clock::duration(100));
                      was_late = weft::select(value, late) == 1;
                      got = value.take().value_or(0);
                    }},
                   {"tries", [&] { was_sent = ch.try_send(1); }}});
  model::check(was_late != was_sent, "S1: the deadline or the value");
  model::check(got == (was_sent ? 1 : 0), "W2: what was sent arrived");
  check_rest({&ch});
}

void token_that_moves() {
  chan<int> a(1), b(1);
  a.send(1);
  bool found = false;
  model::parallel({{"mover", [&] { b.send(1); a.try_recv(); }},
                   {"looker", [&] {
                      auto in_a = weft::on_recv(a);
                      auto in_b = weft::on_recv(b);
                      found = weft::try_select(in_a, in_b);
                    }}});
  model::check(found, "S4: the token was missed");
}

// Once and a half around: each channel is looked at twice, and empty each time, though never both at once. Only the versions
// tell (C5).
void token_that_goes_around() {
  chan<int> a(2), b(2);
  a.send(1);
  bool found = false;
  model::parallel({{"mover", [&] {
                      b.send(1);
                      a.try_recv();
                      a.send(1);
                      b.try_recv();
                      b.send(1);
                      a.try_recv();
                    }},
                   {"looker", [&] {
                      auto in_b = weft::on_recv(b);
                      auto in_a = weft::on_recv(a);
                      found = weft::try_select(in_b, in_a);
                    }}});
  model::check(found, "S4: the token was missed");
}

// As for try_recv (C4): of two who each send and then look, one finds what the other one sent.
void both_send_then_look() {
  chan<int> mine(1), yours(1), never;
  bool i_found = false, you_found = false;
  const auto send_and_look = [&](chan<int>& out, chan<int>& in, bool& found) {
    out.send(1);
    auto value = weft::on_recv(in);
    auto quiet = weft::on_recv(never);
    found = weft::try_select(quiet, value);
  };
  model::parallel({{"one", [&] { send_and_look(mine, yours, i_found); }},
                   {"two", [&] { send_and_look(yours, mine, you_found); }}});
  model::check(i_found || you_found, "S4: both came away empty");
}

constexpr model::bound three_threads{.preemptions = 2, .stale_reads = 1};
constexpr model::bound two_threads{.preemptions = 3, .stale_reads = 1};
constexpr model::bound around{.preemptions = 5, .stale_reads = 0};  // for mutants; all of it takes minutes
constexpr model::bound store_buffers{.preemptions = 1, .stale_reads = 8};
constexpr model::bound with_time{.preemptions = 3, .stale_reads = 1, .timeouts = 1};

TEST(select, two_wakers_of_one_sleeper_are_both_served) { model::holds(three_threads, two_wakers); }
TEST(select, two_selects_that_face_each_other_agree) { model::holds(two_threads, crosswise); }
TEST(select, a_plain_receiver_beside_it_is_served_too) { model::holds(three_threads, beside_a_plain_receiver); }
TEST(select, a_close_and_a_value_do_not_both_win) { model::holds(three_threads, close_against_a_value); }
TEST(select, a_deadline_and_a_value_do_not_both_win) { model::holds(with_time, deadline_against_a_value); }
TEST(select, a_token_that_moves_is_seen) { model::holds(two_threads, token_that_moves); }
TEST(select, a_token_that_goes_around_is_seen) { model::holds({.preemptions = 3, .stale_reads = 0}, token_that_goes_around); }
TEST(select, two_who_send_and_then_look_do_not_both_miss) { model::holds(store_buffers, both_send_then_look); }

TEST(select, mutant_nothing_is_ready_without_a_fence_is_caught) {
  model::caught(model::drop("chan/select.cpp", "base::thread_fence(base::seq_cst)"), store_buffers, both_send_then_look);
}
TEST(select, mutant_change_that_is_not_noted_is_caught) {
  model::caught(model::drop("chan/channel.h", "version.store(version.load(base::relaxed) + 1, base::release)"), around,
                token_that_goes_around);
}

}  // namespace
