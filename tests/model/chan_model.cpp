// Channels: chan/channel.h, C1 to C5, in the unchanged chan/channel.cpp with real waiters that sleep and are woken.
//
//   C1  Nobody waits for what is there: everybody who can be served ends (the checker reports who sleeps for ever), and in
//       the end both queues are empty.
//   C2  Each value arrives exactly once, and in the order it was sent; what was written before the send is seen after the
//       receive, and what was written before a receive is seen after the send that takes its place (data races are errors).
//   C3  close() wakes everybody: a receiver reports it after the last value, a sender delivers or throws, never both.
//   C4  Those who only look see a state that was: of two who each send and then try to receive what the other one sent, one
//       succeeds.
// C5 is select's: select_model.cpp.
#include <gtest/gtest.h>

#include <weft/chan.h>

#include "chan/channel.h"
#include "engine/model.h"
#include "sleepers.h"

namespace {

using weft::chan;

void check_rest(const chan<int>& ch) {
  const auto* core = weft::detail::channel_access::ref(ch).get();
  model::check(core->receivers.empty() && core->senders.empty(), "C1: somebody is left in a queue");
  sleepers::check_no_wake_is_left_over();
}

// What the receivers of a channel got, each value once.
struct received {
  int count[8] = {};
  void note(std::optional<int> v) {
    model::check(v && *v >= 1 && *v < 8, "C2: what arrives was sent");
    model::check(++count[*v] == 1, "C2: nothing arrives twice");
  }
};

void rendezvous() {
  chan<int> ch;
  int before = 0, after = 0;
  model::parallel({{"sender", [&] {
                      before = 1;
                      ch.send(1);
                      model::check(after == 1, "C2: a receive happens before the end of its send");
                    }},
                   {"receiver", [&] {
                      after = 1;
                      model::check(ch.recv() == 1, "C2: the value arrives");
                      model::check(before == 1, "C2: a send happens before its receive");
                    }}});
  check_rest(ch);
}

void two_senders_one_receiver() {
  chan<int> ch;
  received got;
  model::parallel({{"one", [&] { ch.send(1); }},
                   {"two", [&] { ch.send(2); }},
                   {"receiver", [&] { got.note(ch.recv()); got.note(ch.recv()); }}});
  check_rest(ch);
}

void in_order_through_one_slot() {
  chan<int> ch(1);
  model::parallel({{"sender", [&] { for (int i = 1; i <= 3; ++i) ch.send(i); }},
                   {"receiver", [&] { for (int i = 1; i <= 3; ++i) model::check(ch.recv() == i, "C2: in order"); }}});
  check_rest(ch);
}

void one_receive_lets_the_parked_sender_go() {
  chan<int> ch(1);
  model::parallel({{"sender", [&] { ch.send(1); ch.send(2); }}, {"receiver", [&] { ch.recv(); }}});
  model::check(ch.size() == 1, "C1: the value of the parked sender took the place");
  check_rest(ch);
}

// Capacity 1 as a lock: the k-th receive happens before the end of the (k + 1)-th send.
void one_slot_is_a_lock() {
  chan<int> ch(1);
  int plain = 0;
  const auto work = [&] {
    ch.send(1);
    ++plain;
    ch.recv();
  };
  model::parallel({{"one", work}, {"two", work}});
  model::check(plain == 2, "C2: both were alone");
  check_rest(ch);
}

void close_after_a_value() {
  chan<int> ch(1);
  int by_one = 0, by_two = 0;
  const auto drain = [&](int& sum) {
    while (auto v = ch.recv()) sum += *v;
  };
  model::parallel({{"sender", [&] { ch.send(1); ch.close(); }},
                   {"one", [&] { drain(by_one); }},
                   {"two", [&] { drain(by_two); }}});
  model::check(by_one + by_two == 1, "C3: what was sent before the close arrives, once");
  check_rest(ch);
}

void close_against_send() {
  chan<int> ch;
  bool sent = false, threw = false, got = false;
  model::parallel({{"sender", [&] {
                      try {
                        ch.send(1);
                        sent = true;
                      } catch (const weft::misuse&) {
                        threw = true;
                      }
                    }},
                   {"closer", [&] { ch.close(); }},
                   {"receiver", [&] { got = ch.recv().has_value(); }}});
  model::check(sent != threw, "C3: a sender delivers or throws");
  model::check(sent == got, "C3: delivered means received");
  check_rest(ch);
}

void close_against_a_parked_sender() {
  chan<int> ch;
  bool threw = false;
  model::parallel({{"sender", [&] {
                      try {
                        ch.send(1);
                      } catch (const weft::misuse&) {
                        threw = true;
                      }
                    }},
                   {"closer", [&] { ch.close(); }}});
  model::check(threw, "C3: nobody received");
  check_rest(ch);
}

void both_send_then_try() {
  chan<int> mine(1), yours(1);
  bool i_found = false, you_found = false;
  model::parallel({{"one", [&] { mine.send(1); i_found = yours.try_recv().has_value(); }},
                   {"two", [&] { yours.send(2); you_found = mine.try_recv().has_value(); }}});
  model::check(i_found || you_found, "C4: both came away empty");
}

void try_against_parked() {
  chan<int> ch;
  bool sent = false;
  int got = 0;
  model::parallel({{"tries", [&] {
                      try {
                        sent = ch.try_send(1);
                      } catch (const weft::misuse&) {
                      }
                    }},
                   {"receiver", [&] { got = ch.recv().value_or(0); }},
                   {"closer", [&] { ch.close(); }}});
  model::check(got == (sent ? 1 : 0), "C2: try_send says what happened");
  check_rest(ch);
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound three_threads{.preemptions = 2, .stale_reads = 1};

TEST(chan, a_value_and_what_was_written_before_it_cross_once) { model::holds(everything, rendezvous); }
TEST(chan, each_of_two_senders_is_served_once) { model::holds(three_threads, two_senders_one_receiver); }
TEST(chan, one_slot_keeps_the_order) { model::holds({.preemptions = 3, .stale_reads = 1}, in_order_through_one_slot); }
TEST(chan, a_receive_lets_the_parked_sender_go) { model::holds(everything, one_receive_lets_the_parked_sender_go); }
TEST(chan, one_slot_excludes_like_a_lock) { model::holds({.preemptions = 4, .stale_reads = 2}, one_slot_is_a_lock); }
TEST(chan, close_comes_after_the_value_and_reaches_everybody) { model::holds(three_threads, close_after_a_value); }
TEST(chan, a_sender_under_a_close_delivers_or_throws) { model::holds(three_threads, close_against_send); }
TEST(chan, a_close_wakes_a_lone_sender) { model::holds(everything, close_against_a_parked_sender); }
TEST(chan, two_who_send_and_then_try_do_not_both_miss) { model::holds(everything, both_send_then_try); }
TEST(chan, a_try_tells_the_truth_about_a_parked_receiver) { model::holds(three_threads, try_against_parked); }

TEST(chan, mutant_lock_released_without_release_is_caught) {
  model::caught(model::weaken("sched/biased_lock.h", "word_.store(next, base::release)"), three_threads, one_slot_is_a_lock);
}
TEST(chan, mutant_lock_taken_without_acquire_is_caught) {
  model::caught(model::weaken("sched/biased_lock.h", "if (!word_.compare_exchange_strong(free, held, base::acquire"),
                three_threads, one_slot_is_a_lock);
}
TEST(chan, mutant_try_recv_without_its_fence_is_caught) {
  model::caught(model::drop("chan/channel.cpp", "base::thread_fence(base::seq_cst)"), everything, both_send_then_try);
}
TEST(chan, mutant_put_that_does_not_count_is_caught) {
  model::caught(model::drop("chan/channel.h", "occupied.store(count + 1, base::release)"), three_threads,
                in_order_through_one_slot);
}

}  // namespace
