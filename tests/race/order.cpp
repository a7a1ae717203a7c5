// Races about what comes before what: channels, groups, timers, contexts; and what orders nothing although it takes time.
#include "race/planted.h"

#include "support/crew.h"
#include "support/eventually.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "sched/schedule.h"

namespace {

using namespace std::chrono_literals;

PLANTED(close_that_may_overtake_a_send) {
  weft::chan<int> ch(10);
  support::crew sender;
  sender.start([&] { ch.send(1); });
  if (corrected) sender.join();
  else while (ch.size() == 0) weft::yield();
  ch.close();
}

PLANTED(select_that_sends_while_another_closes) {
  weft::chan<int> ch(10);
  support::crew sender;
  sender.start([&] {
    auto one = weft::on_send(ch, 1);
    weft::select(one);
  });
  if (corrected) sender.join();
  else while (ch.size() == 0) weft::yield();
  ch.close();
}

PLANTED(buffer_changed_after_it_was_sent) {
  weft::chan<std::vector<int>*> ch(1);
  std::vector<int> buffer(8);
  weft::chan<void> is_done;
  support::crew reader;
  reader.start([&] {
    for (int& each : **ch.recv()) each += 1;
    is_done.send();
  });
  ch.send(&buffer);
  if (corrected) is_done.recv();
  buffer[3] = 7;
  if (!corrected) is_done.recv();
}

// The k-th receive comes before the (k + n)-th send has ended: with room for one, not before the k-th.
PLANTED(buffered_channel_taken_for_a_rendezvous) {
  weft::chan<int> ch(corrected ? 0 : 1);
  race::plain written_by_the_receiver;
  support::crew receiver;
  std::atomic<bool> has_begun{false};
  receiver.start([&] {
    written_by_the_receiver = 1;
    has_begun.store(true, std::memory_order_relaxed);
    ch.recv();
  });
  while (!has_begun.load(std::memory_order_relaxed)) weft::yield();
  support::let_others_run();  // the receiver parks: being served in its sleep orders it no more than before
  ch.send(1);
  race::want(written_by_the_receiver == 1);
  receiver.join();
}

PLANTED(result_read_before_the_group_is_done) {
  race::plain result;
  weft::wait_group wg;
  wg.go([&] { result = 42; });
  if (corrected) wg.wait();
  race::want(result >= 0);
  wg.wait();
}

PLANTED(added_to_a_group_that_is_being_waited_for) {
  weft::wait_group wg;
  std::atomic<bool> has_added{false};
  auto* const me = weft::sched::self();
  support::crew worker;
  if (corrected) wg.add(1);
  worker.start([&] {
    if (!corrected) wg.add(1);
    has_added.store(true, std::memory_order_relaxed);
    while (me->reason.load(weft::base::relaxed) != weft::sched::wait_reason::wait_group_wait) weft::sleep(1ms);
    wg.done();
  });
  while (!has_added.load(std::memory_order_relaxed)) weft::yield();
  wg.wait();
}

PLANTED(timer_callback_and_its_starter) {
  race::plain fired;
  weft::chan<void> is_done(1);
  const auto timer = weft::after_func(1ms, [&] {
    fired = 1;
    is_done.send();
  });
  if (corrected) is_done.recv();
  fired += 1;
  if (!corrected) is_done.recv();
}

PLANTED(context_callback_and_its_canceller) {
  race::plain cancelled;
  weft::chan<void> is_done(1);
  auto ctx = weft::with_cancel(weft::background());
  const auto callback = weft::after_func(ctx, [&] {
    cancelled = 1;
    is_done.send();
  });
  ctx.cancel();
  if (corrected) is_done.recv();
  cancelled += 1;
  if (!corrected) is_done.recv();
}

PLANTED(two_tasks_write_one_result) {
  race::plain result;
  weft::mutex m;
  weft::task_group tasks;
  for (int i = 0; i < 2; ++i)
    tasks.go([&, i] {
      std::unique_lock hold(m, std::defer_lock);
      if (corrected) hold.lock();
      result = i;
    });
  race::want(static_cast<bool>(tasks.wait()));
}

PLANTED(sleeping_is_no_order) {
  race::plain written;
  weft::mutex m;
  support::crew writer;
  const auto write = [&] {
    std::unique_lock hold(m, std::defer_lock);
    if (corrected) hold.lock();
    written += 1;
  };
  writer.start(write);
  weft::sleep(20ms);
  write();
}

PLANTED(yielding_is_no_order) {
  race::plain written;
  weft::mutex m;
  support::crew writers;
  for (int i = 0; i < 2; ++i)
    writers.start([&] {
      weft::yield();
      std::unique_lock hold(m, std::defer_lock);
      if (corrected) hold.lock();
      written += 1;
    });
}

// Two goroutines that pass through the same timers, queues and channels, one after the other.
PLANTED(the_scheduler_orders_nothing) {
  race::plain written;
  weft::chan<int> unrelated(100);
  weft::mutex m;
  std::atomic<int> turn{0};
  support::crew two;
  for (int who = 0; who < 2; ++who)
    two.start([&, who] {
      while (turn.load(std::memory_order_relaxed) != who) weft::sleep(1ms);
      {
        std::unique_lock hold(m, std::defer_lock);
        if (corrected) hold.lock();
        written += 1;
      }
      weft::go([] {});
      unrelated.send(1);
      weft::yield();
      turn.store(who + 1, std::memory_order_relaxed);
    });
}

// Both use a mutex at the same address of the same recycled stack, which is not the same mutex.
PLANTED(recycled_stacks_order_nothing) {
  race::plain written;
  weft::mutex common;
  std::atomic<int> ended{0};
  const auto body = [&] {
    weft::mutex own;
    std::lock_guard hold(own);
    std::unique_lock hold_common(common, std::defer_lock);
    if (corrected) hold_common.lock();
    written += 1;
    ended.fetch_add(1, std::memory_order_relaxed);
  };
  for (int i = 1; i <= 3; ++i) {
    weft::go(body);
    while (ended.load(std::memory_order_relaxed) != i) weft::yield();
  }
  std::lock_guard until_the_last_has_let_go(common);
}

}  // namespace
