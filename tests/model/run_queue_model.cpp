// The stealable ring of a processor: sched/run_queue.h, Q1 and Q2, with 4 slots (tests/model/CMakeLists.txt).
//
//   R1  What was pushed comes out exactly once, at the owner or at a thief: nothing lost, nothing twice, nothing old.
//   R2  push refuses only when the ring is full: not more than the capacity was ever pushed and not yet taken.
//   R3  Each consumer takes in the order of pushing (first in, first out).
// The private queue has no protocol of its own: it is shared only under seize, which seize_model.cpp covers.
#include <gtest/gtest.h>

#include "engine/model.h"
#include "sched/run_queue.h"

namespace {

using weft::sched::private_queue;
using weft::sched::runnable;
using weft::sched::shared_queue;

constexpr int items = 8;

// What each consumer got, in order. Only its own thread writes it.
struct taken {
  int count = 0;
  std::uintptr_t words[items + 2] = {};
  void note(runnable work) {
    model::check(count < items, "R1: more came out than was pushed");
    words[count++] = work.word();
  }
  void check_order() const {
    for (int i = 1; i < count; ++i) model::check(words[i - 1] < words[i], "R3: one consumer took in another order");
  }
};

struct ring {
  shared_queue queue;
  std::uintptr_t next = 1;  // to be pushed
  taken owner, first, second;

  // Owner: n pushes. A full ring is emptied by one, as feed() would have others do.
  void push(int n) {
    for (; n > 0; --n) {
      if (!queue.push(runnable(next))) {
        if (runnable work = queue.pop()) owner.note(work);
        model::check(queue.push(runnable(next)), "R2: an own pop leaves room");
      }
      ++next;
    }
  }
  void pop(taken& by) {
    if (runnable work = queue.pop()) by.note(work);
  }
  void steal(taken& by) {
    private_queue loot;
    const std::uint32_t got = queue.steal_half_into(loot);
    model::check(loot.size() == got, "R1: steal_half_into tells how many");
    while (runnable work = loot.pop()) by.note(work);
  }

  // Once everybody has stopped.
  void check_all() {
    while (runnable work = queue.pop()) owner.note(work);
    owner.check_order();
    first.check_order();
    second.check_order();
    int seen[items + 1] = {};
    for (const taken* by : {&owner, &first, &second})
      for (int i = 0; i < by->count; ++i) {
        model::check(by->words[i] >= 1 && by->words[i] < next, "R1: what comes out was pushed");
        model::check(++seen[by->words[i]] == 1, "R1: nothing comes out twice");
      }
    for (std::uintptr_t word = 1; word < next; ++word) model::check(seen[word] == 1, "R1: nothing is lost");
  }
};

// The ring wraps: 3 are there, 3 come.
void owner_and_two_thieves() {
  ring r;
  r.push(3);
  model::parallel({{"owner", [&] { r.push(3); r.pop(r.owner); }},
                   {"thief", [&] { r.steal(r.first); }},
                   {"other", [&] { r.pop(r.second); r.pop(r.second); }}});
  r.check_all();
}

// A slow thief reads its slots while the owner and a quick one go once around the ring.
void around_the_ring() {
  ring r;
  r.push(4);
  model::parallel({{"owner", [&] { r.push(4); }},
                   {"slow", [&] { r.steal(r.first); }},
                   {"quick", [&] { r.steal(r.second); r.pop(r.second); }}});
  r.check_all();
}

void owner_and_thief() {
  ring r;
  model::parallel({{"owner", [&] { r.push(3); r.pop(r.owner); r.push(2); }},
                   {"thief", [&] { r.steal(r.first); r.pop(r.first); }}});
  r.check_all();
}

TEST(run_queue, push_pop_steal_each_item_once) { model::holds({.preemptions = 2, .stale_reads = 1}, owner_and_two_thieves); }
TEST(run_queue, a_slow_thief_takes_nothing_from_reused_slots) {
  model::holds({.preemptions = 2, .stale_reads = 1}, around_the_ring);
}
TEST(run_queue, every_interleaving_of_owner_and_one_thief) {
  model::holds({.preemptions = model::all, .stale_reads = model::all}, owner_and_thief);
}

constexpr model::bound for_mutants{.preemptions = 2, .stale_reads = 1};

TEST(run_queue, mutant_push_publishes_without_release_is_caught) {
  model::caught(model::weaken("sched/run_queue.h", "tail_.store(tail + 1, base::release)"), for_mutants, owner_and_thief);
}
TEST(run_queue, mutant_pop_reads_tail_without_acquire_is_caught) {
  model::caught(model::weaken("sched/run_queue.h", "std::uint32_t tail = tail_.load(base::acquire)"), for_mutants,
                owner_and_two_thieves);
}
TEST(run_queue, mutant_steal_reads_tail_without_acquire_is_caught) {
  model::caught(model::weaken("sched/run_queue.h", "tail_.load(base::acquire) - head"), for_mutants, around_the_ring);
}
TEST(run_queue, mutant_push_that_does_not_publish_is_caught) {
  model::caught(model::drop("sched/run_queue.h", "slots_[tail % capacity].store"), for_mutants, owner_and_thief);
}

}  // namespace
