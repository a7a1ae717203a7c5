// Goroutines that can never run again: proven by counting handles, suspected by age. What is not a leak is not called one.
#include "debug/dump_of.h"
#include "support/child.h"
#include "support/eventually.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <thread>

#include "os/memory.h"
#include "os/own_memory.h"
#include "stack/stack.h"

using namespace std::chrono_literals;
using support::run_child;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using weft::debug::leak;

namespace {
std::atomic<bool> joins_without_waiting{false};
}
// In the place of the C library's: leaks() joins the thread that finds the answer.
extern "C" int pthread_join(pthread_t thread, void** result) {
  static const auto real = reinterpret_cast<int (*)(pthread_t, void**)>(::dlsym(RTLD_NEXT, "pthread_join"));
  if (!joins_without_waiting) return real(thread, result);
  for (int status;;)
    if ((status = ::pthread_tryjoin_np(thread, result)) != EBUSY) return status;
}

namespace {

std::vector<leak> proven() {
  std::vector<leak> all = weft::debug::leaks(1h);
  std::erase_if(all, [](const leak& l) { return l.how != leak::evidence::proven; });
  return all;
}
bool is_proven(std::uint64_t id) {
  for (const leak& l : proven())
    if (std::find(l.goroutines.begin(), l.goroutines.end(), id) != l.goroutines.end()) return true;
  return false;
}
// Starts f and returns its id once it is parked for good.
template <class F>
std::uint64_t park(F f) {
  auto* id = new std::atomic<std::uint64_t>(0);  // not freed: it may still be written to
  weft::go([id, f = std::move(f)]() mutable {
    id->store(weft::goroutine_id());
    f();
  });
  EXPECT_TRUE(support::eventually([&] {
    const std::string mine = "goroutine " + std::to_string(id->load()) + " [";
    for (const leak& l : weft::debug::leaks(0ns))
      if (l.report.find(mine) != std::string::npos || std::find(l.goroutines.begin(), l.goroutines.end(), id->load()) != l.goroutines.end()) return true;
    return false;
  }));
  return id->load();
}

// What a function has left in its frame, registers it saved among it, counts as long as it runs: so handles are dealt with in
// functions that return.
template <class F>
[[gnu::noinline]] void out_of_sight(F&& f) {
  f();
  asm volatile("" : : : "memory");
}

[[gnu::noinline]] std::uint64_t forget_a_receiver() {
  weft::chan<int> ch;
  return park([ch] { ch.recv(); });
}
TEST(leaks, a_receiver_that_nobody_can_send_to_is_proven) {
  const std::uint64_t id = forget_a_receiver();
  EXPECT_TRUE(is_proven(id));
  for (const leak& l : proven()) EXPECT_THAT(l.report, HasSubstr("leaks.cpp:")) << l.report;
}

TEST(leaks, a_sender_that_nobody_receives_from_is_proven) {
  std::uint64_t id;
  {
    weft::chan<std::string> ch;
    id = park([ch] { ch.send("hello"); });
  }
  EXPECT_TRUE(is_proven(id));
}

TEST(leaks, whoever_may_still_send_is_a_reason_not_to_call_it_one) {
  std::unique_ptr<weft::chan<int>> ch;
  std::uint64_t id = 0;
  out_of_sight([&] {
    ch = std::make_unique<weft::chan<int>>();
    id = park([ch = *ch] { ch.recv(); });
  });
  EXPECT_FALSE(is_proven(id)) << "a handle on the heap";
  weft::chan<int> local = nullptr;
  out_of_sight([&] { local = *ch, ch.reset(); });
  EXPECT_FALSE(is_proven(id)) << "a handle on this thread's stack";
  static weft::chan<int> global = nullptr;
  out_of_sight([&] { global = std::exchange(local, nullptr); });
  EXPECT_FALSE(is_proven(id)) << "a global handle";
  static weft::chan<int> gate;
  std::uint64_t other = 0;
  out_of_sight([&] { other = park([gate = gate, ch = std::exchange(global, nullptr)] { gate.recv(); }); });
  EXPECT_FALSE(is_proven(id)) << "a handle of a goroutine that is no suspect";
  EXPECT_FALSE(is_proven(other));
  out_of_sight([&] { gate = nullptr; });
  EXPECT_TRUE(is_proven(other));
  EXPECT_TRUE(is_proven(id)) << "the only one who could send is leaked itself";
}

TEST(leaks, a_select_is_none_while_one_of_its_channels_lives) {
  static weft::chan<int> alive;
  std::uint64_t id = 0;
  out_of_sight([&] {
    weft::chan<int> dead;
    id = park([dead, alive = alive] {
      auto x = weft::on_recv(dead);
      auto y = weft::on_send(alive, 1);
      weft::select(x, y);
    });
  });
  EXPECT_FALSE(is_proven(id));
  EXPECT_EQ(alive.recv(), 1);
}

TEST(leaks, a_select_over_channels_that_nobody_else_has_is_proven) {
  std::uint64_t id = 0;
  out_of_sight([&] {
    weft::chan<int> in;
    weft::chan<std::string> out;
    id = park([in, out] {
      auto x = weft::on_recv(in);
      auto y = weft::on_send(out, "hello");
      weft::select(x, y);
    });
  });
  EXPECT_TRUE(is_proven(id));
  for (const leak& l : proven()) EXPECT_THAT(l.report, HasSubstr("leaks.cpp:")) << l.report;
}

// Each holds the channel on which the next one waits.
[[gnu::noinline]] void park_a_ring(std::span<std::uint64_t> ids, weft::chan<int> first) {
  weft::chan<int> in = std::move(first);
  const weft::chan<int> last = in;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    weft::chan<int> out = i + 1 == ids.size() ? last : weft::chan<int>();
    ids[i] = park([in = std::exchange(in, out), out] {
      if (auto v = in.recv()) out.send(*v);
    });
  }
}
TEST(leaks, goroutines_that_only_know_each_other_are_proven) {
  for (const std::size_t size : {2, 5}) {
    std::uint64_t ids[5] = {};
    const std::span ring(ids, size);
    out_of_sight([&] { park_a_ring(ring, weft::chan<int>()); });
    for (const std::uint64_t id : ring) EXPECT_TRUE(is_proven(id)) << "one of " << size;
  }
}
// Leaves copies of a handle on the stack, deeper than the frames of the next calls will be.
[[gnu::noinline]] void leave_bits_behind(const weft::chan<int>& ch) {
  std::uintptr_t bits;
  static_assert(sizeof bits == sizeof ch);
  std::memcpy(&bits, &ch, sizeof bits);
  std::uintptr_t frame[4096];
  std::fill_n(frame, 1024, bits);
  asm volatile("" : : "r"(frame) : "memory");
}
// What calls that are over have left on the stack of who asks is no handle, also when the answer begins before the asker
// waits for it in the kernel.
TEST(leaks, are_proven_also_when_the_asker_is_late_to_wait) {
  const auto look = [] {
    std::uint64_t id = 0;
    out_of_sight([&] {
      weft::chan<int> ch;
      id = park([ch] { ch.recv(); });
      leave_bits_behind(ch);
    });
    joins_without_waiting = true;
    EXPECT_TRUE(is_proven(id));
    joins_without_waiting = false;
  };
  look();
  weft::run(look);
}

[[gnu::noinline]] void spin_with_it_in_a_register(const weft::chan<int>& ch, std::atomic<bool>& spins, const std::atomic<bool>& stop) {
  std::uintptr_t bits;
  std::memcpy(&bits, &ch, sizeof bits);
  spins = true;
  while (!stop) asm volatile("" : "+r"(bits));
}
// A dump interrupts who runs, and the kernel writes down its registers for the handler.
TEST(leaks, are_proven_also_when_a_dump_has_met_the_handle_in_a_register) {
  std::atomic<std::uint64_t> id{0};
  std::atomic<bool> spins{false}, stop{false};
  out_of_sight([&] {
    weft::chan<int> ch;
    weft::go([&, ch] {
      id = weft::goroutine_id();
      spin_with_it_in_a_register(ch, spins, stop);
      ch.recv();
    });
  });
  ASSERT_TRUE(support::eventually([&] {
    const std::string text = spins ? dumps::paragraph_with(dumps::dump(), {"goroutine " + std::to_string(id) + " [running]"}) : "";
    return !text.empty() && text.find("could not be walked") == text.npos;
  }));
  stop = true;
  EXPECT_TRUE(support::eventually([&] { return is_proven(id); }));
}

// The kernel makes one mapping of the stacks and of what is right below them; without guards that fault it can be read in one go.
TEST(leaks, are_proven_also_when_there_is_memory_right_below_the_stacks) {
  weft::stack::force_guard(weft::stack::guard_kind::canary);
  std::uintptr_t stack = 0;
  weft::wait_group first;
  first.go([&] { stack = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); });
  first.wait();
  constexpr std::size_t bytes = 64 * 1024;
  weft::os::mapping stacks, joined;
  ASSERT_TRUE(weft::os::find_mapping(stack, stacks));
  ASSERT_NE(weft::os::reserve(bytes, weft::os::page_size(), reinterpret_cast<void*>(stacks.low - bytes)), nullptr);
  ASSERT_TRUE(weft::os::find_mapping(stack, joined));
  if (joined.low != stacks.low - bytes) GTEST_SKIP() << "there is no room below the stacks";
  constexpr std::uint64_t enough = 400;  // to use the lowest stacks too
  out_of_sight([] {
    for (std::uint64_t i = 0; i < enough; ++i) weft::go([ch = weft::chan<int>()] { ch.recv(); });
  });
  EXPECT_TRUE(support::eventually([] {
    const std::vector<leak> all = proven();
    return all.size() == 1 && all[0].count == enough;
  }));
}

TEST(leaks, a_ring_of_which_somebody_knows_one_is_none) {
  std::unique_ptr<weft::chan<int>> known;
  std::uint64_t ids[3] = {};
  out_of_sight([&] {
    known = std::make_unique<weft::chan<int>>();
    park_a_ring(ids, *known);
  });
  for (const std::uint64_t id : ids) EXPECT_FALSE(is_proven(id));
  out_of_sight([&] { known.reset(); });
  for (const std::uint64_t id : ids) EXPECT_TRUE(is_proven(id));
}

TEST(leaks, timers_and_deadlines_end_a_wait) {
  std::uint64_t tick = 0, deadline = 0;
  out_of_sight([&] {
    tick = park([] { weft::after(1h).recv(); });
    weft::chan<int> ch;
    deadline = park([ch] {
      auto x = weft::on_recv(ch);
      auto late = weft::on_timeout(1h);
      weft::select(x, late);
    });
  });
  EXPECT_FALSE(is_proven(tick));
  EXPECT_FALSE(is_proven(deadline));
}

TEST(leaks, nil_channels_are_proven) {
  EXPECT_TRUE(is_proven(park([] { weft::chan<int>(nullptr).recv(); })));
}

// Where nobody looks: memory that cannot be written. But the handle is counted.
TEST(leaks, a_handle_that_is_not_found_counts_too) {
  void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  std::uint64_t id = 0;
  out_of_sight([&] {
    weft::chan<int> ch;
    id = park([ch] { ch.recv(); });
    new (page) weft::chan<int>(ch);
  });
  ASSERT_EQ(::mprotect(page, 4096, PROT_READ), 0);
  EXPECT_FALSE(is_proven(id));
  ASSERT_EQ(::mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
  out_of_sight([&] { std::destroy_at(static_cast<weft::chan<int>*>(page)); });
  EXPECT_TRUE(is_proven(id));
  ::munmap(page, 4096);
}

// A goroutine that never ran, a timer's function: their closures are on the heap.
TEST(leaks, closures_that_have_not_run_hold_handles) {
  std::uint64_t id;
  weft::timer later = [&] {
    weft::chan<int> ch;
    id = park([ch] { ch.recv(); });
    return weft::after_func(1h, [ch] { ch.send(1); });
  }();
  EXPECT_FALSE(is_proven(id));
  EXPECT_TRUE(later.stop());
}

TEST(leaks, suspects_are_labelled_and_have_an_age) {
  static weft::mutex m;
  m.lock();
  park([] { m.lock(); });
  const std::vector<leak> old = weft::debug::leaks(1h);
  EXPECT_TRUE(old.empty());
  const std::vector<leak> now = weft::debug::leaks(0ns);
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].how, leak::evidence::suspected);
  EXPECT_THAT(now[0].report, HasSubstr("perhaps leaked"));
  EXPECT_THAT(now[0].report, HasSubstr("[mutex lock"));
}

// Handles change hands all the time: none of those who wait is ever called leaked.
TEST(leaks, are_not_seen_while_handles_move) {
  std::atomic<bool> stop{false};
  weft::wait_group busy;
  for (int i = 0; i < 4; ++i) {
    busy.go([&] {
      while (!stop) {
        weft::chan<weft::chan<int>> requests;
        weft::go([requests] {
          if (auto reply = requests.recv()) reply->send(1);
        });
        weft::chan<int> reply;
        requests.send(reply);
        reply.recv();
      }
    });
  }
  for (int i = 0; i < 30; ++i) EXPECT_THAT(proven(), IsEmpty());
  stop = true;
  busy.wait();
}

// --- E16: the fastest of n, whose losers nobody hears ------------------------------------------------------------------

[[gnu::noinline]] int fastest_forgets_the_losers(int n) {
  weft::chan<int> answers;
  for (int i = 0; i < n; ++i)
    weft::go({.name = "loser"}, [answers, i] { answers.send(i); });
  return *answers.recv();
}
[[gnu::noinline]] int fastest_cancels_the_losers(int n) {
  auto ctx = weft::with_cancel(weft::background());
  weft::chan<int> answers;
  for (int i = 0; i < n; ++i)
    weft::go([answers, i, ctx = weft::context(ctx)] {
      auto answer = weft::on_send(answers, i);
      auto quit = weft::on_done(ctx);
      weft::select(answer, quit);
    });
  return *answers.recv();
}

TEST(leaks, losers_are_found_and_cancelled_ones_are_none) {
  weft::run([] {
    fastest_cancels_the_losers(5);
    EXPECT_TRUE(support::eventually([] { return weft::goroutines() == 1; }));
    EXPECT_THAT(proven(), IsEmpty());
    fastest_forgets_the_losers(5);
    std::vector<leak> found;
    EXPECT_TRUE(support::eventually([&] { return !(found = proven()).empty() && found[0].goroutines.size() == 4; }));
    EXPECT_EQ(found.size(), 1u);
    EXPECT_THAT(found[0].report, HasSubstr("]: loser\n"));
  });
}

WEFT_CHILD(leaks_and_exits) {
  return weft::run([] {
    fastest_forgets_the_losers(3);
    while (proven().empty()) weft::yield();
    weft::go({.name = "late"}, [] {
      static weft::mutex m;
      m.lock(), m.lock();
    });
    while (weft::debug::leaks(0ns).size() < 2) weft::yield();
    return 3;
  });
}
TEST(leaks_at_exit, are_reported_when_asked_for) {
  const auto child = run_child("leaks_and_exits", {"WEFT_DEBUG=leaks=1"});
  EXPECT_EQ(child.exit_status, 3) << child;
  EXPECT_THAT(child.err, HasSubstr("weft: leaked: only goroutines that wait like this"));
  EXPECT_THAT(child.err, HasSubstr("]: loser\n"));
  EXPECT_THAT(child.err, HasSubstr("weft: perhaps leaked:"));
  EXPECT_THAT(run_child("leaks_and_exits").err, IsEmpty());
}

}  // namespace
