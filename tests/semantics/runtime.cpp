// go, run, yield, ids and counts.
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

class runtime_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(runtime_everywhere);

TEST_P(runtime_everywhere, on_goroutine_tells_goroutines_from_threads) {
  here([&] {
    EXPECT_EQ(weft::on_goroutine(), GetParam().who != support::caller::plain_thread);
    auto peers = crew();
    peers.start([&] { EXPECT_EQ(weft::on_goroutine(), GetParam().partners == support::kind::goroutine); });
  });
}

TEST_P(runtime_everywhere, ids_are_unique_and_zero_on_plain_threads) {
  here([&] {
    EXPECT_EQ(weft::goroutine_id() == 0, GetParam().who == support::caller::plain_thread);
    weft::mutex m;
    std::set<std::uint64_t> ids;
    weft::wait_group wg;
    for (int i = 0; i < 100; ++i) {
      wg.go([&] {
        const auto id = weft::goroutine_id();
        weft::yield();
        EXPECT_EQ(weft::goroutine_id(), id);
        std::lock_guard hold(m);
        ids.insert(id);
      });
    }
    wg.wait();
    EXPECT_EQ(ids.size(), 100u);
    EXPECT_FALSE(ids.contains(0));
  });
}

TEST_P(runtime_everywhere, go_decay_copies_its_arguments) {
  here([&] {
    weft::chan<std::string> ch;
    std::string word = "before";
    weft::go([ch](const std::string& s, std::unique_ptr<int> n) { ch.send(s + std::to_string(*n)); }, word,
             std::make_unique<int>(7));
    word = "after";
    EXPECT_EQ(ch.recv(), "before7");
    int target = 0;
    weft::chan<void> done;
    weft::go(
        [done](int& out) {
          out = 5;
          done.send();
        },
        std::ref(target));
    done.recv();
    EXPECT_EQ(target, 5);
  });
}

TEST_P(runtime_everywhere, goroutines_counts_the_living) {
  here([&] {
    const std::size_t before = weft::on_goroutine() ? 1 : 0;
    EXPECT_TRUE(support::eventually([&] { return weft::goroutines() == before; }));  // earlier tests' last ones end
    weft::chan<void> release;
    weft::wait_group wg;
    for (int i = 0; i < 20; ++i) wg.go([release] { release.recv(); });
    EXPECT_EQ(weft::goroutines(), before + 20);
    release.close();
    wg.wait();
    EXPECT_TRUE(support::eventually([&] { return weft::goroutines() == before; }));
  });
}

TEST_P(runtime_everywhere, yield_lets_others_run) {
  here([&] {
    std::atomic<bool> ran{false};
    weft::go([&] { ran = true; });
    EXPECT_TRUE(support::eventually([&] { return ran.load(); }));
  });
}

TEST_P(runtime_everywhere, the_closure_is_destroyed_when_its_goroutine_ends) {
  here([&] {
    auto held = std::make_shared<int>(1);
    std::weak_ptr<int> watch = held;
    weft::chan<void> done;
    weft::go([held = std::move(held), done] { done.close(); });
    done.recv();
    EXPECT_TRUE(support::eventually([&] { return watch.expired(); }));
  });
}

TEST(runtime, go_options_name_and_size_the_goroutine) {
  weft::chan<int> ch;
  weft::go({.name = "deep", .stack_size = 1 << 20}, [ch](int a, int b) { ch.send(a + b); }, 1, 2);
  EXPECT_EQ(ch.recv(), 3);
}

TEST(runtime, run_returns_what_main_returns_and_zero_for_void) {
  EXPECT_EQ(weft::run([] { return 7; }), 7);
  EXPECT_EQ(weft::run([] {}), 0);
}

TEST(runtime, run_makes_main_a_goroutine) {
  EXPECT_FALSE(weft::on_goroutine());
  weft::run([] {
    EXPECT_TRUE(weft::on_goroutine());
    EXPECT_NE(weft::goroutine_id(), 0u);
  });
  EXPECT_FALSE(weft::on_goroutine());
}

TEST(runtime, run_takes_the_number_of_processors) {
  const int before = weft::procs();
  weft::run([] { EXPECT_EQ(weft::procs(), 3); }, {.procs = 3});
  weft::set_procs(before);
}

TEST(runtime, run_gives_its_stack_size_to_main) {
  weft::run(
      [] {
        volatile char deep[3 << 20];
        for (std::size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
      },
      {.stack_size = 4 << 20});
}

TEST(runtime, an_exception_out_of_run_reaches_its_caller) {
  EXPECT_THROW(weft::run([] { throw std::runtime_error("out of main"); }), std::runtime_error);
  EXPECT_EQ(weft::run([] { return 1; }), 1);  // and run works again
}

TEST(runtime, run_may_be_repeated_nested_and_called_by_several_threads) {
  EXPECT_EQ(weft::run([] { return weft::run([] { return 3; }) + 1; }), 4);
  support::crew threads(support::kind::plain_thread);
  for (int i = 0; i < 4; ++i) {
    threads.start([i] {
      EXPECT_EQ(weft::run([i] {
                  weft::yield();
                  return i;
                }),
                i);
    });
  }
}

TEST(runtime, run_does_not_wait_for_the_goroutines_it_started) {
  weft::chan<void> release;
  weft::wait_group wg;
  weft::run([&] { wg.go([&] { release.recv(); }); });
  release.close();
  wg.wait();
}

TEST(runtime, a_closure_of_any_size_is_carried_and_destroyed) {
  weft::run([] {
    const auto held = std::make_shared<int>(0);
    const auto carry = [&](auto padding) {
      padding.fill(7);
      weft::wait_group wg;
      wg.go([held, padding] {
        for (const auto byte : padding) EXPECT_EQ(byte, 7);
      });
      wg.wait();
      EXPECT_EQ(held.use_count(), 1);
    };
    for (int i = 0; i < 3; ++i) {
      carry(std::array<char, 1>());
      carry(std::array<char, 100>());
      carry(std::array<char, 200>());
      carry(std::array<char, 300>());
      carry(std::array<char, 5000>());
    }
  });
}

WEFT_CHILD(eight_threads_start_the_runtime_at_once) {
  std::atomic<int> waiting{8}, ran{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (--waiting; waiting > 0;) continue;
      weft::go([&] { ++ran; });
    });
  }
  for (auto& t : threads) t.join();
  return support::eventually([&] { return ran == 8; }) ? 0 : 1;
}

TEST(runtime, may_be_started_by_several_threads_at_once) {
  for (int i = 0; i < 5; ++i) {
    const auto child = support::run_child("eight_threads_start_the_runtime_at_once");
    EXPECT_EQ(child.exit_status, 0) << child;
  }
}
