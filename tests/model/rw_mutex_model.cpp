// The reader-writer mutex: sync/rw_mutex.cpp, Y1 to Y5.
//
//   Y1  A writer is alone, and sees what the writers before it wrote; readers see whole writes (data races are errors).
//   Y2  Nobody is forgotten, whoever leaves last (the checker reports who sleeps for ever); in the end the word is free.
//   Y3  The last reader hands over to a writer that waits.
//   Y4  The last owner may destroy it, as a writer and as a reader (use after free is an error).
#include <gtest/gtest.h>

#include <mutex>
#include <shared_mutex>

#include <weft/detail/stack_page.h>
#include <weft/rw_mutex.h>

#include "engine/model.h"
#include "sleepers.h"

namespace {

void check_rest(weft::rw_mutex& m) {
  model::check(m.try_lock(), "Y2: free in the end");
  m.unlock();
  sleepers::check_no_wake_is_left_over();
}

struct table {
  weft::rw_mutex m;
  int left = 0, right = 0;

  void write() {
    std::lock_guard writing(m);
    ++left;
    ++right;
  }
  void read() {
    std::shared_lock reading(m);
    model::check(left == right, "Y1: half a write was seen");
  }
};

void two_writers_and_a_reader() {
  table t;
  model::parallel({{"one", [&] { t.write(); }}, {"two", [&] { t.write(); }}, {"reader", [&] { t.read(); }}});
  model::check(t.left == 2, "Y1: both writers wrote");
  check_rest(t.m);
}

void two_readers_and_a_writer() {
  table t;
  model::parallel({{"writer", [&] { t.write(); }}, {"one", [&] { t.read(); }}, {"two", [&] { t.read(); }}});
  model::check(t.left == 1, "Y1: the writer wrote");
  check_rest(t.m);
}

void a_reader_comes_back() {
  table t;
  model::parallel({{"writer", [&] { t.write(); t.write(); }}, {"reader", [&] { t.read(); t.read(); }}});
  check_rest(t.m);
}

// Unlock finds other pages of its stack in the word than it expects (Y5).
[[gnu::noinline]] void release_further_down(weft::rw_mutex& m, bool reads) {
  [[maybe_unused]] volatile char down[2 * weft::detail::stack_page_size];
  down[0] = 0;
  reads ? m.unlock_shared() : m.unlock();
  down[1] = 0;
}
void released_from_another_page() {
  table t;
  const auto use = [&](bool reads) {
    reads ? t.m.lock_shared() : t.m.lock();
    reads ? model::check(t.left == 0, "Y1: half a write was seen") : static_cast<void>(++t.left);
    if (!reads) --t.left;
    release_further_down(t.m, reads);
  };
  model::parallel({{"writer", [&] { use(false); }}, {"one", [&] { use(true); }}, {"two", [&] { use(true); }}});
  check_rest(t.m);
}

void last_owner_destroys(bool last_reads) {
  struct counted {
    weft::rw_mutex m;
    weft::base::atomic<int> users{2};
  };
  auto* shared = new counted;
  const auto drop = [&](bool reads) {
    counted* mine = shared;
    reads ? mine->m.lock_shared() : mine->m.lock();
    const bool is_last = mine->users.fetch_sub(1, weft::base::acq_rel) == 1;
    if (is_last && reads) {  // two readers may be inside: the other one has to be out
      mine->m.unlock_shared();
      mine->m.lock();
      mine->m.unlock();
    } else {
      reads ? mine->m.unlock_shared() : mine->m.unlock();
    }
    if (is_last) delete mine;
  };
  model::parallel({{"writer", [&] { drop(false); }}, {"other", [&] { drop(last_reads); }}});
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound bounded{.preemptions = 2, .stale_reads = 1};

TEST(rw_mutex, writers_are_alone) { model::holds(bounded, two_writers_and_a_reader); }
TEST(rw_mutex, readers_see_whole_writes_and_the_writer_gets_in) { model::holds(bounded, two_readers_and_a_writer); }
TEST(rw_mutex, nobody_is_forgotten_when_a_reader_comes_back) {
  model::holds({.preemptions = 3, .stale_reads = 1}, a_reader_comes_back);
}
TEST(rw_mutex, the_last_owner_may_destroy_it) {
  model::holds(everything, [] { last_owner_destroys(false); });
  model::holds(everything, [] { last_owner_destroys(true); });
}

TEST(rw_mutex, it_may_be_released_from_another_page) { model::holds(bounded, released_from_another_page); }

TEST(rw_mutex, mutant_unlock_without_release_is_caught) {
  model::caught(model::weaken("sync/rw_mutex.cpp", "compare_exchange_strong(held, 0, base::release"),
                bounded, two_writers_and_a_reader);
}
TEST(rw_mutex, mutant_reader_without_acquire_is_caught) {
  model::caught(model::weaken("sync/rw_mutex.cpp", "seen + one_reader + page_here(), base::acquire"),
                bounded, two_readers_and_a_writer);
}
TEST(rw_mutex, mutant_reader_that_leaves_without_release_is_caught) {
  model::caught(model::weaken("sync/rw_mutex.cpp", "without_reader(seen, page), base::release"),
                bounded, two_readers_and_a_writer);
}

}  // namespace
