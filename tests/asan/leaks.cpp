// LeakSanitizer looks for pointers on the stacks of goroutines that are parked when the program ends.
#include "asan/child.h"

#include "support/crew.h"
#include "support/parked.h"

#include <weft/weft.h>

#include <memory>
#include <string>
#include <vector>

namespace {

WEFT_CHILD(ends_while_goroutines_hold_memory) {
  weft::chan<void> never;
  return weft::run([&] {
    auto& crowd = *new support::crew;
    for (int i = 0; i < 50; ++i)
      support::start_parked(crowd, [never] {
        auto mine = std::make_unique<std::string>(100, 'x');
        std::vector<int> also(100);
        never.recv();
        also[0] = static_cast<int>(mine->size());
      });
    static void* kept = &crowd;
    static_cast<void>(kept);
  });
}
TEST(leaks, what_a_parked_goroutine_holds_is_no_leak) {
  for (const char* options : {"", "detect_stack_use_after_return=0"}) {
    const auto child = asan::run("ends_while_goroutines_hold_memory", options);
    EXPECT_EQ(child.exit_status, 0) << child.err;
  }
}

WEFT_CHILD(ends_before_goroutines_have_begun) {
  return weft::run(
      [] {
        for (int i = 0; i < 50; ++i) weft::go([held = std::make_unique<std::string>(100, 'x')] { weft::yield(); });
      },
      {.procs = 1});
}
TEST(leaks, what_a_newborn_holds_is_no_leak) { asan::expect_silent("ends_before_goroutines_have_begun"); }

[[gnu::noinline]] void forget() {
  static int* volatile last;
  last = new int[1000];
  last[0] = 1;
  last = nullptr;
}
WEFT_CHILD(forgets_memory) {
  return weft::run([] {
    weft::wait_group wg;
    for (int i = 0; i < 10; ++i) wg.go([] { forget(); });
    wg.wait();
    for (int i = 0; i < 10; ++i) wg.go([] { weft::yield(); });  // over the stacks of those
    wg.wait();
  });
}
TEST(leaks, what_nobody_holds_is_found) {
  const auto child = asan::run("forgets_memory");
  EXPECT_EQ(child.exit_status, asan::reported) << child.err;
  EXPECT_THAT(child.err, support::mentions("detected memory leaks"));
  EXPECT_THAT(child.err, support::mentions("forget"));
}

WEFT_CHILD(uses_everything_once) {
  using namespace std::chrono_literals;
  return weft::run([] {
    auto ctx = weft::with_timeout(weft::background(), 1h);
    weft::chan<std::string> ch(3);
    weft::task_group tasks(ctx);
    tasks.go([&] {
      for (int i = 0; i < 100; ++i) ch.send(std::string(50, 'x'));
      ch.close();
    });
    tasks.go([&] {
      while (ch.recv()) {}
    });
    const auto late = weft::after_func(1h, [] {});
    weft::ticker beat(1ms);
    beat.channel().recv();
    static weft::lazy<std::string> table([] { return std::string(100, 'x'); });
    return tasks.wait() && table->size() == 100 ? 0 : 1;
  });
}
TEST(leaks, the_library_itself_has_none) { asan::expect_silent("uses_everything_once"); }

}  // namespace
