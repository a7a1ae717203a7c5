// Races of operations that never block: "nothing is ready" must have been true at some moment.
#include "support/everywhere.h"
#include "support/stress.h"

#include <weft/weft.h>

#include <atomic>

class try_races : public support::everywhere {};
WEFT_EVERYWHERE(try_races);

// A token moves to and fro between two channels, and is in one of them at every moment; so a try_select over both that finds
// neither ready is wrong. Looking at one after the other without a lock would miss it now and then.
TEST_P(try_races, a_token_that_moves_is_never_missed_by_try_select) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<int> a(2), b(2);
    std::atomic<bool> stop{false};
    a.send(1);
    auto mover = crew();
    mover.start([&] {
      for (bool from_a = true; !stop; from_a = !from_a) {
        (from_a ? b : a).send(1);  // for a moment there are two
        (from_a ? a : b).recv();
      }
    });
    long looks = 0, missed = 0;
    while (run.more()) {
      for (int i = 0; i < 1000; ++i, ++looks) {
        auto in_a = weft::on_recv(a);
        auto in_b = weft::on_recv(b);
        if (!weft::try_select(in_a, in_b)) {
          ++missed;
        } else {
          (in_a ? a : b).send(1);  // while it is in our hands we do not look
        }
      }
      weft::yield();
    }
    stop = true;
    a.send(1);
    b.send(1);
    mover.join();
    EXPECT_EQ(missed, 0) << "of " << looks << " looks";
  });
}

// Each sends to the other, then tries to receive: whoever is second in time must find the other's value.
TEST_P(try_races, two_that_send_and_then_try_to_receive_do_not_both_find_nothing) {
  here([&] {
    support::stress_run run(support::one_of_many_places);
    weft::chan<int> to_a(1), to_b(1);
    weft::chan<void> start_b, b_has_tried;
    std::atomic<bool> b_found{false};
    auto other = crew();
    other.start([&] {
      while (start_b.recv()) {
        to_a.send(1);
        b_found = to_b.try_recv().has_value();
        b_has_tried.send();
      }
    });
    long rounds = 0, both_empty = 0;
    for (; run.more(); ++rounds) {
      start_b.send();
      to_b.send(1);
      const bool a_found = to_a.try_recv().has_value();
      b_has_tried.recv();
      both_empty += !a_found && !b_found;
      to_a.try_recv();
      to_b.try_recv();
    }
    start_b.close();
    other.join();
    EXPECT_EQ(both_empty, 0) << "of " << rounds << " rounds";
  });
}
