// Start a helper and return once it is really asleep in weft: the way to build a queue of waiters in a known order.
//
//   support::start_parked(peers, [&] { ch.send(1); });   // first in the queue of senders
//   support::start_parked(peers, [&] { ch.send(2); });   // second
//
// It looks at what the scheduler notes for dumps: a helper is asleep when its wait reason is set, which happens after it has
// queued itself. The first blocking call of the helper must be the one meant.
#pragma once

#include "support/crew.h"
#include "support/eventually.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <utility>

#include "sched/schedule.h"

namespace support {

template <class F>
void start_parked(crew& helpers, F f) {
  const auto who = std::make_shared<std::atomic<weft::detail::sleeper*>>(nullptr);
  helpers.start([who, f = std::move(f)]() mutable {
    who->store(weft::sched::self());
    f();
  });
  EXPECT_TRUE(eventually([&] {
    const auto* helper = who->load();
    return helper && helper->reason.load(weft::base::acquire) != weft::sched::wait_reason::none;
  }));
}

}  // namespace support
