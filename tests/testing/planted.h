// Five programs with one bug each, as they occur in the wild, and the same programs without it. Each throws, deadlocks or
// is misuse in some schedules only. And one whose bug needs an order that uniform choice almost never takes.
#pragma once

#include <weft/weft.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

namespace planted {

inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Both halves of a deposit are locked, the deposit is not.
template <bool is_correct>
void lost_update() {
  weft::mutex m;
  int balance = 0;
  const auto deposit = [&] {
    std::unique_lock hold(m);
    const int seen = balance;
    if (!is_correct) {
      hold.unlock();
      hold.lock();
    }
    balance = seen + 10;
  };
  weft::wait_group wg;
  for (int i = 0; i < 2; ++i) wg.go(deposit);
  wg.wait();
  require(balance == 20, "an update was lost");
}

// Two transfers take the same two locks in opposite order.
template <bool is_correct>
void lock_order() {
  struct account {
    weft::mutex m;
    int balance = 100;
  } a, b;
  const auto transfer = [](account& from, account& to, weft::mutex& first, weft::mutex& second) {
    std::lock_guard hold_first(first);
    std::lock_guard hold_second(second);
    from.balance -= 10;
    to.balance += 10;
  };
  weft::wait_group wg;
  wg.go([&] { transfer(a, b, a.m, b.m); });
  wg.go([&] {
    if (is_correct) transfer(b, a, a.m, b.m);
    else transfer(b, a, b.m, a.m);
  });
  wg.wait();
  require(a.balance + b.balance == 200, "money was lost");
}

// The consumer looks at the flag, then takes the lock and waits: the notification may fall between the two.
template <bool is_correct>
void forgotten_wake() {
  weft::mutex m;
  weft::cond arrived;
  int items = 0;
  weft::wait_group wg;
  wg.go([&] {
    std::unique_lock hold(m);
    if (is_correct) {
      while (items == 0) arrived.wait(hold);
    } else {
      const bool is_empty = items == 0;
      hold.unlock();
      hold.lock();
      if (is_empty) arrived.wait(hold);
    }
    --items;
  });
  wg.go([&] {
    std::lock_guard hold(m);
    ++items;
    arrived.notify_one();
  });
  wg.wait();
}

// The one who knows that no more requests will come closes the channel of the answers.
template <bool is_correct>
void send_after_close() {
  weft::chan<int> answers(4);
  weft::chan<void> quit;
  weft::wait_group workers;
  workers.go([&] {
    for (int answer = 0; answer < 2; ++answer) {
      auto stop = weft::on_recv(quit);
      if (weft::try_select(stop)) return;
      answers.send(answer);
    }
  });
  quit.close();
  if (is_correct) workers.wait();
  answers.close();
  for (int answer : answers) static_cast<void>(answer);
  workers.wait();
}

// A goroutine counts itself in: wait() may look before.
template <bool is_correct>
void group_misuse() {
  auto wg = std::make_shared<weft::wait_group>();
  auto finished = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 2; ++i) {
    if (is_correct) wg->add(1);
    weft::go([wg, finished] {
      if (!is_correct) wg->add(1);
      ++*finished;
      wg->done();
    });
  }
  wg->wait();
  require(*finished == 2, "wait returned too early");
}

// A reader looks at the version, then uses the data. It fails only if a writer takes all its many steps in between: under
// uniform choice with a probability of about 2^-steps.
template <int steps>
void rare_order() {
  weft::mutex m;
  int version = 0;
  bool is_freed = false;
  weft::wait_group wg;
  wg.go([&] {
    m.lock();
    const bool is_valid = version == 0;
    m.unlock();
    m.lock();
    if (is_valid) require(!is_freed, "used after it was freed");
    m.unlock();
  });
  wg.go([&] {
    for (int step = 0; step < steps; ++step) {
      std::lock_guard hold(m);
      ++version;
    }
    std::lock_guard hold(m);
    is_freed = true;
  });
  wg.wait();
}

struct program {
  const char* name;
  void (*broken)();
  void (*correct)();
  const char* says;  // what the report of the broken one says
};

inline constexpr program programs[] = {
    {"lost_update", lost_update<false>, lost_update<true>, "an update was lost"},
    {"lock_order", lock_order<false>, lock_order<true>, "deadlock"},
    {"forgotten_wake", forgotten_wake<false>, forgotten_wake<true>, "deadlock"},
    {"send_after_close", send_after_close<false>, send_after_close<true>, "send on closed channel"},
    {"group_misuse", group_misuse<false>, group_misuse<true>, "wait returned too early"},
};

}  // namespace planted
