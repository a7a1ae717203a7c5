// The checker checked: small programs whose outcomes under C++20 are known, and mistakes it must find.
//
// Each test lists exactly the outcomes that must be seen: one missing would mean that the checker overlooks behaviours, one
// too many that it reports what cannot happen. After the litmus tests of Alglave et al. ("Herding cats", TOPLAS 2014) and
// of C++20 [atomics.order].
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/atomic.h"
#include "base/spinlock.h"
#include "engine/model.h"
#include "os/asymmetric_fence.h"
#include "os/futex.h"

namespace {

using testing::UnorderedElementsAre;
using weft::base::acq_rel;
using weft::base::acquire;
using weft::base::memory_order;
using weft::base::relaxed;
using weft::base::release;
using weft::base::seq_cst;
using word = weft::base::atomic<int>;

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};

std::string told(std::initializer_list<int> values) {
  std::string text;
  for (int v : values) text += std::to_string(v);
  return text;
}

auto store_buffering(memory_order store, memory_order load, void (*fence_a)(), void (*fence_b)()) {
  return model::outcomes(everything, [=] {
    word x{0}, y{0};
    int a = 0, b = 0;
    model::parallel({{"A", [&] { x.store(1, store); fence_a(); a = y.load(load); }},
                     {"B", [&] { y.store(1, store); fence_b(); b = x.load(load); }}});
    model::outcome(told({a, b}));
  });
}
void nothing() {}
void full() { weft::base::thread_fence(seq_cst); }
void half() { weft::base::thread_fence(acq_rel); }

TEST(litmus, store_buffering_is_seen_without_seq_cst) {
  EXPECT_THAT(store_buffering(relaxed, relaxed, nothing, nothing), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(release, acquire, nothing, nothing), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(release, acquire, half, half), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(relaxed, relaxed, full, nothing), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(seq_cst, acquire, nothing, nothing), UnorderedElementsAre("00", "01", "10", "11"));
}

TEST(litmus, store_buffering_is_excluded_by_seq_cst) {
  EXPECT_THAT(store_buffering(seq_cst, seq_cst, nothing, nothing), UnorderedElementsAre("01", "10", "11"));
  EXPECT_THAT(store_buffering(relaxed, relaxed, full, full), UnorderedElementsAre("01", "10", "11"));
}

TEST(litmus, the_asymmetric_fence_orders_its_light_side) {
  EXPECT_THAT(store_buffering(relaxed, relaxed, weft::os::light_fence, [] { weft::os::heavy_fence(); }),
              UnorderedElementsAre("01", "10", "11"));
  EXPECT_THAT(store_buffering(relaxed, relaxed, weft::os::light_fence, weft::os::light_fence),
              UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(store_buffering(relaxed, relaxed, weft::os::light_fence, full), UnorderedElementsAre("00", "01", "10", "11"));
}

auto message_passing(memory_order store, memory_order load, void (*before_store)(), void (*after_load)()) {
  return model::outcomes(everything, [=] {
    word data{0}, flag{0};
    int seen = 0, value = 0;
    model::parallel({{"sender", [&] { data.store(1, relaxed); before_store(); flag.store(1, store); }},
                     {"receiver", [&] { seen = flag.load(load); after_load(); value = data.load(relaxed); }}});
    model::outcome(told({seen, value}));
  });
}

TEST(litmus, message_passing) {
  EXPECT_THAT(message_passing(release, acquire, nothing, nothing), UnorderedElementsAre("00", "01", "11"));
  EXPECT_THAT(message_passing(relaxed, acquire, nothing, nothing), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(message_passing(release, relaxed, nothing, nothing), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(message_passing(relaxed, relaxed, [] { weft::base::thread_fence(release); },
                              [] { weft::base::thread_fence(acquire); }),
              UnorderedElementsAre("00", "01", "11"));
  EXPECT_THAT(message_passing(relaxed, acquire, [] { weft::base::thread_fence(release); }, nothing),
              UnorderedElementsAre("00", "01", "11"));
}

// C++20: a read-modify-write carries on what the release before it began; a plain store, also by the same thread, does not.
TEST(litmus, release_sequences) {
  auto sequence = [](bool by_modification) {
    return model::outcomes(everything, [=] {
      word data{0}, flag{0};
      int seen = 0, value = 0;
      model::parallel({{"sender", [&] { data.store(1, relaxed); flag.store(1, release); }},
                       {"middle", [&] {
                          if (flag.load(relaxed) == 0) return;
                          if (by_modification) flag.fetch_add(1, relaxed);
                          else flag.store(2, relaxed);
                        }},
                       {"receiver", [&] { seen = flag.load(acquire); value = data.load(relaxed); }}});
      if (seen == 2) model::outcome(told({value}));
    });
  };
  EXPECT_THAT(sequence(true), UnorderedElementsAre("1"));
  EXPECT_THAT(sequence(false), UnorderedElementsAre("0", "1"));
}

// Two readers of two independent writers: do they agree which came first?
TEST(litmus, independent_reads_of_independent_writes) {
  auto run = [](memory_order store, memory_order load) {
    return model::outcomes(everything, [=] {
      word x{0}, y{0};
      int a = 0, b = 0, c = 0, d = 0;
      model::parallel({{"X", [&] { x.store(1, store); }},
                       {"Y", [&] { y.store(1, store); }},
                       {"A", [&] { a = x.load(load); b = y.load(load); }},
                       {"B", [&] { c = y.load(load); d = x.load(load); }}});
      if (a == 1 && c == 1) model::outcome(told({b, d}));
    });
  };
  EXPECT_THAT(run(release, acquire), UnorderedElementsAre("00", "01", "10", "11"));
  EXPECT_THAT(run(seq_cst, seq_cst), UnorderedElementsAre("01", "10", "11"));
}

TEST(litmus, coherence_one_word_never_goes_back) {
  auto seen = model::outcomes(everything, [] {
    word x{0};
    int a = 0, b = 0;
    model::parallel({{"writer", [&] { x.store(1, relaxed); x.store(2, relaxed); }},
                     {"reader", [&] { a = x.load(relaxed); b = x.load(relaxed); }}});
    model::outcome(told({a, b}));
  });
  EXPECT_THAT(seen, UnorderedElementsAre("00", "01", "02", "11", "12", "22"));
}

// Excluded by this checker, allowed by C++: engine/model.h, E4.
TEST(litmus, load_buffering_and_2_plus_2_writes_are_not_explored) {
  auto loads = model::outcomes(everything, [] {
    word x{0}, y{0};
    int a = 0, b = 0;
    model::parallel({{"A", [&] { a = x.load(relaxed); y.store(1, relaxed); }},
                     {"B", [&] { b = y.load(relaxed); x.store(1, relaxed); }}});
    model::outcome(told({a, b}));
  });
  EXPECT_THAT(loads, UnorderedElementsAre("00", "01", "10"));
  auto writes = model::outcomes(everything, [] {
    word x{0}, y{0};
    model::parallel({{"A", [&] { x.store(1, relaxed); y.store(2, relaxed); }},
                     {"B", [&] { y.store(1, relaxed); x.store(2, relaxed); }}});
    model::outcome(told({x.load(relaxed), y.load(relaxed)}));
  });
  EXPECT_THAT(writes, UnorderedElementsAre("12", "21", "22"));
}

TEST(litmus, modifications_lose_nothing) {
  model::holds(everything, [] {
    word x{0};
    auto add = [&] { for (int i = 0; i < 2; ++i) x.fetch_add(1, relaxed); };
    model::parallel({{"A", add}, {"B", add}, {"C", add}});
    model::check(x.load(relaxed) == 6, "an increment was lost");
  });
}

TEST(litmus, bounded_and_unbounded_search_see_the_same) {
  auto run = [](model::bound limits) {
    return model::outcomes(limits, [] {
      word x{0}, y{0};
      int a = 0, b = 0, c = 0;
      model::parallel({{"A", [&] { x.store(1, release); a = y.exchange(1, acq_rel); }},
                       {"B", [&] { b = y.load(acquire); x.fetch_add(2, relaxed); }},
                       {"C", [&] { c = x.load(acquire); y.fetch_add(4, relaxed); }}});
      model::outcome(told({a, b, c, x.load(relaxed), y.load(relaxed)}));
    });
  };
  const auto wanted = run({.preemptions = 6, .stale_reads = model::all});
  EXPECT_EQ(run(everything), wanted);
  EXPECT_GT(wanted.size(), 20U);
}

// --- mistakes ---------------------------------------------------------------------------------------------------------

constexpr model::mutation built_in{};

TEST(litmus, a_data_race_is_found) {
  model::caught(built_in, everything, [] {
    int plain = 0;
    model::parallel({{"A", [&] { plain = 1; }}, {"B", [&] { plain = 2; }}});
  });
  model::caught(built_in, everything, [] {
    int plain = 0;
    word flag{0};
    model::parallel({{"A", [&] { plain = 1; flag.store(1, relaxed); }},
                     {"B", [&] { if (flag.load(acquire) == 1) plain = 2; }}});
  });
}

TEST(litmus, synchronised_plain_data_is_no_race) {
  model::holds(everything, [] {
    int plain = 0;
    weft::base::spinlock lock;
    auto add = [&] { weft::base::locked hold(lock); ++plain; };
    model::parallel({{"A", add}, {"B", add}, {"C", add}});
    model::check(plain == 3, "an increment was lost");
  });
}

TEST(litmus, use_after_free_is_found) {
  model::caught(built_in, everything, [] {
    auto* shared = new word{0};
    word users{2};
    auto leave = [&] {
      if (users.fetch_sub(1, acq_rel) == 1) delete shared;
      else shared->store(1, relaxed);
    };
    model::parallel({{"A", leave}, {"B", leave}});
  });
}

TEST(litmus, a_lock_order_deadlock_is_found) {
  model::caught(built_in, {.preemptions = 1}, [] {
    weft::base::spinlock a, b;
    model::parallel({{"A", [&] { weft::base::locked first(a); weft::base::locked second(b); }},
                     {"B", [&] { weft::base::locked first(b); weft::base::locked second(a); }}});
  });
}

TEST(litmus, a_futex_does_not_lose_a_wake_and_a_forgotten_one_is_found) {
  auto program = [](bool wakes) {
    return [=] {
      weft::base::atomic<std::uint32_t> flag{0};
      auto sleep = [&] {
        while (flag.load(acquire) == 0) weft::os::futex_wait(flag, 0, weft::os::no_deadline);
      };
      model::parallel({{"sleeper", sleep},
                       {"waker", [&] { flag.store(1, release); if (wakes) weft::os::futex_wake(flag, 1); }}});
    };
  };
  model::holds({.preemptions = model::all, .stale_reads = model::all, .spurious = 1}, program(true));
  model::caught(built_in, everything, program(false));
}

TEST(litmus, a_livelock_is_found) {
  model::caught(built_in, {.preemptions = 1, .steps = 1000}, [] {
    word a{0}, b{0};
    model::parallel({{"A", [&] { do a.store(1, seq_cst); while (b.load(seq_cst) == 0 && (a.store(0, seq_cst), true)); }},
                     {"B", [&] { while (a.load(seq_cst) != 2) weft::base::pause(); }}});
  });
}

}  // namespace
