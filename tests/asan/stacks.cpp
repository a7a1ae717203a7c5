// Mistakes on the stacks of goroutines, which are told apart from what is merely unusual there.
#include "asan/child.h"

#include "support/crew.h"

#include <weft/weft.h>

#include <csignal>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

[[gnu::noinline]] int* address_of_a_local(int value) {
  volatile int local = value;
  return const_cast<int*>(&local);
}

WEFT_CHILD(uses_a_local_after_its_function_returned) {
  return weft::run([] {
    weft::wait_group wg;
    wg.go([] {
      int* gone = address_of_a_local(1);
      weft::yield();
      *const_cast<volatile int*>(gone) += 1;
    });
    wg.wait();
  });
}
TEST(asan_stack, use_after_return_is_found) {
  asan::expect_found("uses_a_local_after_its_function_returned", "stack-use-after-return");
}

WEFT_CHILD(writes_behind_an_array) {
  return weft::run([] {
    weft::wait_group wg;
    wg.go([] {
      volatile char array[16] = {};
      volatile std::size_t position = 16;
      volatile char* first = array;  // of an array UBSan knows the bounds, of a pointer it does not
      weft::yield();
      first[position] = 1;
    });
    wg.wait();
  });
}
TEST(asan_stack, a_write_behind_an_array_is_found) { asan::expect_found("writes_behind_an_array", "stack-buffer-overflow"); }

WEFT_CHILD(uses_a_local_of_another_goroutine_that_has_left_its_scope) {
  return weft::run([] {
    weft::chan<volatile int*> to_other;
    weft::chan<void> scope_is_left, is_done;
    weft::go([=] {
      volatile int* theirs = *to_other.recv();
      scope_is_left.recv();
      *theirs = 1;
      is_done.send();
    });
    {
      volatile int mine = 0;
      to_other.send(&mine);
    }
    scope_is_left.send();
    is_done.recv();
  });
}
TEST(asan_stack, use_after_scope_by_another_goroutine_is_found) {
  asan::expect_found("uses_a_local_of_another_goroutine_that_has_left_its_scope", "stack-use-after-scope");
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512] = {};
  frame[0] = static_cast<char>(depth);
  return recurse(depth + 1) + frame[0];
}
WEFT_CHILD(recurses_for_ever) {
  return weft::run([] { recurse(0); });
}
TEST(asan_stack, overflow_is_reported_with_the_goroutine) {
  for (const char* options : {"", "detect_stack_use_after_return=0"}) {
    const auto child = asan::run("recurses_for_ever", options);
    EXPECT_EQ(child.signal, SIGABRT);
    EXPECT_THAT(child.err, support::mentions("stack overflow in goroutine 1"));
  }
}

[[gnu::noinline]] void free_it(int* block) {
  delete block;
  asm volatile("");  // no tail call: its frame is looked for
}
WEFT_CHILD(uses_memory_that_another_goroutine_has_freed) {
  return weft::run([] {
    auto* block = new int(1);
    weft::wait_group wg;
    wg.go([=] { free_it(block); });
    wg.wait();
    *const_cast<volatile int*>(block) = 2;
  });
}
TEST(asan_heap, use_after_free_shows_the_goroutine_that_freed) {
  const auto child = asan::run("uses_memory_that_another_goroutine_has_freed");
  EXPECT_EQ(child.exit_status, asan::reported);
  EXPECT_THAT(child.err, support::mentions("heap-use-after-free"));
  EXPECT_THAT(child.err, support::mentions("free_it"));
}

// A closure lies in a block of its own, which ends when the goroutine has it on its stack.
WEFT_CHILD(keeps_a_pointer_into_a_closure) {
  struct closure {
    weft::chan<void> is_done;
    int value = 1;
    closure* former = nullptr;
    explicit closure(weft::chan<void> end) : is_done(std::move(end)) {}
    closure(const closure&) = default;
    closure(closure&& other) noexcept : is_done(other.is_done), former(&other) {}
    void operator()() const {
      *const_cast<volatile int*>(&former->value) = 2;
      is_done.send();
    }
  };
  return weft::run([] {
    weft::chan<void> is_done;
    weft::go(closure(is_done));
    is_done.recv();
  });
}
TEST(asan_heap, a_closure_that_has_moved_is_gone) { asan::expect_found("keeps_a_pointer_into_a_closure", "use-after"); }

WEFT_CHILD(overflows_an_int) {
  return weft::run([] {
    volatile int largest = 0x7fff'ffff;
    weft::yield();
    largest = largest + 1;
  });
}
TEST(ubsan, signed_overflow_is_found) {
  const auto child = asan::run("overflows_an_int");
  EXPECT_NE(child.exit_status, 0);
  EXPECT_THAT(child.err, support::mentions("signed integer overflow"));
}

// --- no mistakes -----------------------------------------------------------------------------------------------------

[[gnu::noinline]] void fill(std::size_t bytes) {
  if (bytes == 0) return;
  volatile char frame[1024];
  for (std::size_t i = 0; i < sizeof frame; ++i) frame[i] = 1;
  weft::yield();
  fill(bytes - 1);
}

// What a goroutine left poisoned on its stack is not the next one's business: it may end deep in calls that do not return,
// and its frames lie elsewhere.
WEFT_CHILD(recycles_stacks_of_every_shape) {
  return weft::run([] {
    for (int round = 0; round < 50; ++round) {
      weft::wait_group wg;
      for (int i = 0; i < 20; ++i)
        wg.go([i] {
          if (i % 2 == 0) return fill(10);
          char odd[137] = {};
          std::vector<std::string> words(7, std::string(40, odd[i]));
          weft::yield();
        });
      wg.wait();
    }
  });
}
TEST(asan_stack, recycled_stacks_are_clean) { asan::expect_silent("recycles_stacks_of_every_shape"); }

WEFT_CHILD(throws_and_parks_in_every_order) {
  return weft::run([] {
    weft::chan<int> ch;
    support::crew crowd;
    for (int i = 0; i < 20; ++i)
      crowd.start([&, i] {
        for (int k = 0; k < 20; ++k) {
          char local[64] = {};
          try {
            std::string word(30, local[k]);
            if (i % 2 == 0) ch.send(k);
            else ch.recv();
            throw std::runtime_error(word);
          } catch (const std::exception&) {
            weft::yield();
          }
        }
      });
  });
}
TEST(asan_stack, exceptions_and_parks_are_no_mistake) { asan::expect_silent("throws_and_parks_in_every_order"); }

// Goroutines of two stack sizes, threads beside them, blocking calls: each thread is on many stacks.
WEFT_CHILD(moves_between_threads) {
  return weft::run([] {
    weft::mutex m;
    int hits = 0;
    for (auto kind : {support::kind::goroutine, support::kind::plain_thread}) {
      support::crew crowd(kind);
      for (int i = 0; i < 8; ++i)
        crowd.start([&] {
          for (int k = 0; k < 50; ++k) {
            weft::blocking([&] { fill(2); });
            std::lock_guard hold(m);
            ++hits;
          }
        });
    }
    weft::wait_group wg;
    wg.add(1);
    weft::go({.stack_size = 1 << 20}, [&] {
      fill(100);
      wg.done();
    });
    wg.wait();
  });
}
TEST(asan_stack, moving_between_threads_is_no_mistake) { asan::expect_silent("moves_between_threads"); }

}  // namespace
