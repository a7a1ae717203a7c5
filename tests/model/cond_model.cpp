// The condition variable: sync/cond.cpp over sync/mutex.cpp.
//
//   CV1  A notify after the state has changed wakes a waiter that saw the old state under the mutex, whether or not the
//        notifier holds the mutex (the checker reports who sleeps for ever).
//   CV2  notify_all wakes all, notify_one exactly one.
//   CV3  A wait with a deadline says no_timeout only if it took a notify, and a notify that it did not take goes to another.
#include <gtest/gtest.h>

#include <mutex>

#include <weft/cond.h>

#include "engine/model.h"
#include "sleepers.h"

namespace {

void notified_after_the_unlock() {
  weft::mutex m;
  weft::cond changed;
  bool is_ready = false;
  model::parallel({{"waiter", [&] {
                      std::unique_lock hold(m);
                      changed.wait(hold, [&] { return is_ready; });
                    }},
                   {"notifier", [&] {
                      {
                        std::lock_guard hold(m);
                        is_ready = true;
                      }
                      changed.notify_one();
                    }}});
  sleepers::check_no_wake_is_left_over();
}

void two_waiters_are_all_woken() {
  weft::mutex m;
  weft::cond changed;
  bool is_ready = false;
  const auto wait = [&] {
    std::unique_lock hold(m);
    changed.wait(hold, [&] { return is_ready; });
  };
  model::parallel({{"one", wait}, {"two", wait}, {"notifier", [&] {
                      std::lock_guard hold(m);
                      is_ready = true;
                      changed.notify_all();
                    }}});
  sleepers::check_no_wake_is_left_over();
}

// An impatient and a patient waiter, one token, one notify: if the impatient one does not take it, the patient one must.
void a_deadline_swallows_no_notify() {
  weft::mutex m;
  weft::cond there;
  int tokens = 0;
  model::parallel({{"impatient", [&] {
                      std::unique_lock hold(m);
                      if (tokens == 0 && there.wait_for(hold, weft::clock::duration(100)) == std::cv_status::no_timeout)
                        there.notify_one();  // passes it on
                    }},
                   {"patient", [&] {
                      std::unique_lock hold(m);
                      there.wait(hold, [&] { return tokens > 0; });
                    }},
                   {"notifier", [&] {
                      std::lock_guard hold(m);
                      ++tokens;
                      there.notify_one();
                    }}});
  sleepers::check_no_wake_is_left_over();
}

TEST(cond, a_notify_after_the_unlock_is_not_lost) {
  model::holds({.preemptions = 4, .stale_reads = 3}, notified_after_the_unlock);
}
TEST(cond, notify_all_reaches_both) { model::holds({.preemptions = 2, .stale_reads = 0}, two_waiters_are_all_woken); }
TEST(cond, a_deadline_does_not_swallow_a_notify) {
  model::holds({.preemptions = 2, .stale_reads = 0, .timeouts = 1}, a_deadline_swallows_no_notify);
}

}  // namespace
