// The lock of channels: sched/biased_lock.h, and what channels and select conclude from a bias.
//
//   B1 to B3  What it guards is touched by one thread at a time: by the worker to which it is biased, by another worker or a
//             plain thread that takes the bias away, by whoever comes after. The guarded data is plain, so the checker
//             reports any overlap as a data race.
//   B4        The lock's own notes are plain too.
//   S1, S2    A select sleeps at channels of its own: it is woken, and leaves no waiter, also where the sender takes
//             the bias of one while the waiters are queued.
//   S4, C4    Who finds a channel empty and then sees it biased to himself was right at that moment (is_mine()).
#include <gtest/gtest.h>

#include <weft/select.h>

#include "chan/channel.h"
#include "engine/model.h"
#include "sched/biased_lock.h"
#include "sched/seam.h"

namespace {

using namespace weft;
using sched::biased_lock;
using sched::worker;

// Each thread has a pointer of its own, which the checker takes for one.
__attribute__((no_sanitize("thread"))) void become(worker* w) noexcept { sched::weft_this_worker = w; }

struct scene {
  worker owner, other;
  biased_lock lock;
  int guarded = 0;

  // In the models a lock is biased after its second acquisition in a row by one worker.
  scene() {
    become(&owner);
    for (int i = 0; i < 2; ++i) add();
    model::check(lock.is_mine(), "it is biased after two acquisitions");
    become(nullptr);
  }
  void add() {
    base::locked hold(lock);
    ++guarded;
  }
  void adds(worker* as, int times) {
    become(as);
    for (; times > 0; --times) add();
  }
};

void owner_and_other() {
  scene s;
  model::parallel({{"owner", [&] { s.adds(&s.owner, 2); }}, {"other", [&] { s.adds(&s.other, 1); }}});
  model::check(s.guarded == 5, "B2: nobody was in between");
}

void owner_other_and_plain() {
  scene s;
  model::parallel({{"owner", [&] { s.adds(&s.owner, 2); }},
                   {"other", [&] { s.adds(&s.other, 1); }},
                   {"plain", [&] { s.adds(nullptr, 1); }}});
  model::check(s.guarded == 6, "B2: nobody was in between");
}

// The lock goes to and fro, and is biased anew meanwhile.
void biased_again() {
  scene s;
  model::parallel({{"owner", [&] { s.adds(&s.owner, 1); }}, {"other", [&] { s.adds(&s.other, 10); }}});
  model::check(s.guarded == 13, "B2: nobody was in between");
}

// As select does: two locks at once, each in a slot of its own.
void two_at_once() {
  scene s;
  biased_lock second;
  become(&s.owner);
  for (int i = 0; i < 2; ++i) base::locked hold(second);
  become(nullptr);
  int both = 0;
  model::parallel({{"owner", [&] {
                      become(&s.owner);
                      s.lock.lock(0);
                      second.lock(1);
                      ++s.guarded, ++both;
                      second.unlock(1);
                      s.lock.unlock(0);
                    }},
                   {"other", [&] {
                      become(&s.other);
                      s.add();
                      base::locked hold(second);
                      ++both;
                    }}});
  model::check(s.guarded == 4 && both == 2, "B2: nobody was in between");
}

void bias(worker& to, chan<int>& ch) {
  become(&to);
  for (int i = 0; i < 2; ++i) ch.send(1), ch.recv();
  model::check(detail::channel_access::ref(ch).get()->lock.is_mine(), "it is biased");
  become(nullptr);
}

// Both channels are the looker's; the token that another moves between them is in one of them at every moment.
void token_between_my_channels() {
  worker looker, mover;
  chan<int> a(1), b(1);
  bias(looker, a), bias(looker, b);
  a.send(1);  // by a plain thread: the bias of `a` is gone, and comes back with the next two
  become(&looker);
  for (int i = 0; i < 9; ++i) a.recv(), a.send(1);
  become(nullptr);
  bool found = false;
  model::parallel({{"mover", [&] {
                      become(&mover);
                      b.send(1);
                      a.try_recv();
                    }},
                   {"looker", [&] {
                      become(&looker);
                      auto in_b = on_recv(b);
                      auto in_a = on_recv(a);
                      found = try_select(in_b, in_a);
                    }}});
  model::check(found, "S4: the token was missed");
}

// Both channels are the sleeper's, who queues his waiters by the bias; the sender may take that of the second one
// meanwhile.
void sleep_at_my_channels() {
  worker sleeper, sender;
  chan<int> a(1), b(1);
  bias(sleeper, a), bias(sleeper, b);
  int got = 0;
  model::parallel({{"sender", [&] {
                      become(&sender);
                      b.send(1);
                    }},
                   {"sleeper", [&] {
                      become(&sleeper);
                      auto in_a = on_recv(a);
                      auto in_b = on_recv(b);
                      select(in_a, in_b);
                      got = in_b.take().value_or(0);
                    }}});
  model::check(got == 1, "S1: what was sent arrives");
  for (const auto* ch : {&a, &b})
    model::check(detail::channel_access::ref(*ch).get()->receivers.empty(), "S2: a waiter is left in a queue");
}

// Two who each send and then look, one of whom has both channels for himself.
void both_send_then_try() {
  worker one, two;
  chan<int> mine(1), yours(1);
  bias(one, mine), bias(one, yours);
  bool i_found = false, you_found = false;
  model::parallel({{"one", [&] {
                      become(&one);
                      mine.send(1);
                      i_found = yours.try_recv().has_value();
                    }},
                   {"two", [&] {
                      become(&two);
                      yours.send(2);
                      you_found = mine.try_recv().has_value();
                    }}});
  model::check(i_found || you_found, "C4: both came away empty");
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound bounded{.preemptions = 3, .stale_reads = 2};
constexpr model::bound three_threads{.preemptions = 2, .stale_reads = 2};

void per_thread() { model::own_per_thread(reinterpret_cast<void**>(&sched::weft_this_worker)); }
void holds(const model::bound& b, void (*body)()) {
  per_thread();
  model::holds(b, body);
}
void is_caught(const model::mutation& mistake, const model::bound& b, void (*body)()) {
  per_thread();
  model::caught(mistake, b, body);
}

TEST(biased_lock, owner_and_another_worker_exclude_each_other) { holds(everything, owner_and_other); }
TEST(biased_lock, a_plain_thread_too) { holds(three_threads, owner_other_and_plain); }
TEST(biased_lock, a_bias_that_moves_excludes_too) { holds({.preemptions = 2, .stale_reads = 1}, biased_again); }
TEST(biased_lock, two_at_once_keep_their_slots) { holds(bounded, two_at_once); }
TEST(biased_lock, a_token_between_channels_of_the_looker_is_seen) { holds(bounded, token_between_my_channels); }
TEST(biased_lock, a_select_sleeps_at_channels_of_its_own) { holds(bounded, sleep_at_my_channels); }
TEST(biased_lock, two_who_send_and_then_try_do_not_both_miss) { holds(bounded, both_send_then_try); }

TEST(biased_lock, mutant_revocation_without_heavy_fence_is_caught) {
  is_caught(model::drop("sched/biased_lock.cpp", "os::heavy_fence();"), bounded, owner_and_other);
}
TEST(biased_lock, mutant_owner_names_no_lock_is_caught) {
  is_caught(model::drop("sched/biased_lock.h", "w.holds[slot].store(this, base::relaxed)"), bounded, owner_and_other);
}
TEST(biased_lock, mutant_owner_lets_go_without_release_is_caught) {
  is_caught(model::weaken("sched/biased_lock.h", "w->holds[slot].store(nullptr, base::release);"), bounded, owner_and_other);
}
TEST(biased_lock, mutant_owner_turns_back_without_release_is_caught) {
  is_caught(model::weaken("sched/biased_lock.h", "w.holds[slot].store(nullptr, base::release);  // release: what"), bounded,
            owner_and_other);
}
TEST(biased_lock, mutant_slots_are_read_without_acquire_is_caught) {
  is_caught(model::weaken("sched/biased_lock.cpp", "if (slot.load(base::acquire) == lock) return true;"), bounded,
            owner_and_other);
}
TEST(biased_lock, mutant_unlock_without_release_is_caught) {
  is_caught(model::weaken("sched/biased_lock.h", "word_.store(next, base::release)"), bounded, owner_and_other);
}
TEST(biased_lock, mutant_lock_without_acquire_is_caught) {
  is_caught(model::weaken("sched/biased_lock.h", "if (!word_.compare_exchange_strong(free, held, base::acquire"), three_threads,
            owner_other_and_plain);
}

}  // namespace
