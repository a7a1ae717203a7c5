// Descriptors that are waited for, timed out and closed at once: src/poll/readiness.h, D1 to D8, and gate.h, G1 to G5, as
// descriptor.h puts them together.
//
//   N1  (D1, D2) Who waits is woken for every edge: what has arrived is read, however the edge falls between the call
//       that found nothing and the sleep (the checker reports who sleeps for ever).
//   N2  (D3) Each sleep ends by one ready(), and nobody is left in a queue.
//   N3  (D4) The end of a stream that shares an edge with its last bytes is read.
//   N4  (D5) An event of an earlier life of the descriptor changes nothing.
//   N5  (D6 to D8) Time has run out exactly when the last deadline set has come; a wait ends with data or a timeout.
//   N6  (G1 to G4) close() sends everybody away. The fd is closed once, after the last who uses it; then no timer runs
//       and the memory is free: here it is freed, and the checker reports whoever still touches it.
//   N7  (G5) Callers of one direction take turns.
//   N8  (R3 of rounds.h) Nobody sleeps on a muted descriptor: what has arrived is read.
// Real: poll/{descriptor,readiness,deadline,gate,sleep}.cpp and the timers. Stood in for, below: the kernel (who posts
// an edge after it has changed what a read finds), the registry, and the worker that fires timers; sleepers.cpp is the
// rest of the scheduler. Sleeps that a context ends have the claims of select_model.cpp, and are not here.
#include <gtest/gtest.h>

#include "engine/model.h"
#include "os/descriptor.h"
#include "os/futex.h"
#include "poll/backend.h"
#include "poll/descriptor.h"
#include "poll/registry.h"
#include "sched/idle.h"
#include "sched/runtime.h"
#include "sched/schedule.h"
#include "sched/seam.h"
#include "sleepers.h"

namespace {

using namespace weft;
using poll::direction;
using poll::post_closing;
using poll::post_read;

constexpr int fd = 3;

// One descriptor, what the kernel holds for it, and the worker that fires timers.
struct scene {
  explicit scene(bool reuses_memory = false) : reuses(reuses_memory) {
    here = this;
    sched::the.processors[0].store(new sched::processor(0), base::relaxed);
    int error = 0;
    d = poll::open(fd, error);
  }

  // The peer. An edge follows what it tells of, and belongs to the life that was added last.
  void send(int count) { bytes.fetch_add(count, base::release); }
  void hang_up() { is_hung_up.store(1, base::release); }
  static void post(std::uint64_t key, std::uint32_t what) {
    sched::ready_list woken;
    poll::registry::post(key, what, woken);
    sched::ready_all(woken.first());
  }
  void send_and_post(int count) {
    send(count);
    post(first_key, post_read);
  }
  // As the kernel does it: either this finds that the descriptor is not muted, or unmute() finds the bytes.
  void send_and_post_unless_muted(int count) {
    bytes.fetch_add(count, base::seq_cst);
    if (is_muted.load(base::seq_cst) == 0) post(first_key, post_read);
  }
  // Found something in so many rounds that the kernel was asked not to tell any more.
  void become_muted() {
    d->go_rounds();
    send_and_post(1);
    read();
    for (int i = 0; i < poll::rounds::hits_to_mute; ++i) {
      send(1);
      read();
    }
    model::check(d->is_muted(), "R2: it is muted");
  }

  // A system call: at most `most` bytes; 0 is the end of the stream.
  poll::attempt receive(int most = 8) {
    model::check(is_fd_open, "N6: a call with a closed fd");
    ++inside;  // plain: two at once are a race (N7)
    const int there = bytes.load(base::acquire);
    const int got = there < most ? there : most;
    if (got != 0) bytes.fetch_sub(got, base::acq_rel);
    if (got == 0 && is_hung_up.load(base::acquire) == 0) return {-1, EAGAIN};
    return {got, 0, got < most};
  }
  poll::attempt read(int most = 8, const poll::patience& limits = {}) {
    return d->perform(direction::read, limits, [&](int) { return receive(most); });
  }

  // The worker: time passes to what is due next, as soon as it is armed.
  static void fire_timers() {
    sched::timer_set& timers = sched::the.processors[0].load(base::relaxed)->timers;
    while (true) {
      const std::uint32_t seen = here->armed.load(base::acquire);
      for (std::int64_t due; (due = timers.next_due()) != sched::wheel::never;) {
        if (due > model::now_ns()) model::set_now(due);
        timers.fire_due(model::now_ns());
      }
      os::futex_wait(here->armed, seen, os::no_deadline);
    }
  }

  // Once everybody has stopped. The last use of the descriptor.
  void check_rest() {
    model::check(!d->ready().awaited(), "N2: somebody is left in a queue");
    d->forget();
    check_given_back();
  }
  void check_given_back() const {
    model::check(!is_fd_open, "N6: the fd is closed");
    model::check(given_back == (reuses ? 2 : 1), "N6: the memory is free, once");
    sleepers::check_no_wake_is_left_over();
  }

  poll::descriptor* d = nullptr;
  const bool reuses;
  base::atomic<int> bytes{0}, is_hung_up{0}, is_muted{0};
  std::uint64_t first_key = 0;
  base::atomic<std::uint32_t> added{0}, armed{0};
  // Apart: the checker remembers four accesses per eight bytes.
  alignas(8) bool is_fd_open = false;
  alignas(8) int inside = 0;
  alignas(8) int given_back = 0;
  static scene* here;
};
scene* scene::here;

struct kernel : poll::backend {
  int add(int, std::uint64_t key) override {
    scene& w = *scene::here;
    if (w.added.load(base::relaxed) == 0) w.first_key = key;
    w.is_fd_open = true;
    w.added.fetch_add(1, base::release);
    os::futex_wake(w.added, 1);
    return 0;
  }
  void remove(int, std::uint64_t) noexcept override {
    model::check(scene::here->is_fd_open, "N6: removed before it is closed");
  }
  bool mute(int, std::uint64_t) noexcept override {
    scene::here->is_muted.store(1, base::seq_cst);
    return true;
  }
  void unmute(int, std::uint64_t key) noexcept override {
    scene::here->is_muted.store(0, base::seq_cst);
    if (scene::here->bytes.load(base::seq_cst) != 0) scene::post(key, post_read);
  }
  sched::ready_list wait(std::int64_t) override { return {}; }
  sched::ready_list poll() override { return {}; }
  void wake() override {}
  bool armed() const override { return true; }
  bool awaited() const override { return true; }
} the_kernel;

}  // namespace

namespace weft {

poll::backend& poll::current_backend() { return the_kernel; }
void os::close_descriptor(int) noexcept {
  model::check(scene::here->is_fd_open, "N6: closed once");
  scene::here->is_fd_open = false;
}

poll::descriptor* poll::registry::take(int number) {
  descriptor* const d = scene::here->d ? scene::here->d : new descriptor;
  d->fd_ = number;
  ++d->generation_;
  d->ready_.open(d->generation_);
  d->gate_.open();
  return d;
}
void poll::registry::give_back(descriptor* d) noexcept {
  ++scene::here->given_back;
  if (!scene::here->reuses) delete d;
}
void poll::registry::post(std::uint64_t key, std::uint32_t what, sched::ready_list& woken) noexcept {
  scene::here->d->ready_.post(static_cast<std::uint32_t>(key >> 32), what, woken);
}

error context::err() const { model::fail("no contexts here"); }
receiver<void> context::done() const { model::fail("no contexts here"); }

// A processor for its timers alone.
stack::cache::cache() noexcept = default;
stack::cache::~cache() = default;

namespace sched {
nursery::nursery() = default;
void wait_while_seized(worker&) noexcept { model::fail("no workers here"); }
base::atomic<bool> started{true};
void start_runtime() {}
void ensure_watched() {}
processor* rejoin(worker&) noexcept { model::fail("no workers here"); }
// Others are in line, or not; always for the body, which makes things ready.
bool yield_behind(std::uint32_t) { return model::thread_number() == 0 || model::choose(2) == 0; }
void timer_armed(std::int64_t) {
  scene::here->armed.fetch_add(1, base::release);
  os::futex_wake(scene::here->armed, 1);
}
}  // namespace sched

}  // namespace weft

namespace {

const model::thread worker{"worker", scene::fire_timers, true};

// --- edges ------------------------------------------------------------------------------------------------------------

void one_edge() {
  scene w;
  model::parallel({{"reader", [&] { model::check(w.read().count == 1, "N1: it is read"); }},
                   {"kernel", [&] { w.send_and_post(1); }}});
  w.check_rest();
}

void two_edges() {
  scene w;
  model::parallel({{"reader", [&] {
                      for (int sum = 0; sum < 2;) sum += static_cast<int>(w.read().count);
                    }},
                   {"kernel", [&] { w.send_and_post(1); w.send_and_post(1); }}});
  model::check(w.bytes.load(base::relaxed) == 0, "N1: all is read");
  w.check_rest();
}

void last_bytes_and_the_end() {
  scene w;
  model::parallel({{"reader", [&] { while (w.read().count != 0) {} }},
                   {"kernel", [&] { w.send(1); w.hang_up(); scene::post(w.first_key, post_read | post_closing); }}});
  w.check_rest();
}

// An event of the first life is on its way while the memory begins its second.
void event_of_an_earlier_life() {
  scene w(true);
  model::parallel({{"late", [&] { scene::post(w.first_key, post_read); }},
                   {"owner", [&] {
                      w.d->forget();
                      int error = 0;
                      poll::open(fd, error);
                      model::check(w.read().count == 1, "N1: it is read");
                    }},
                   {"kernel", [&] {
                      while (w.added.load(base::acquire) != 2) os::futex_wait(w.added, 1, os::no_deadline);
                      w.send(1);
                      scene::post(w.first_key + (std::uint64_t{1} << 32), post_read);
                    }}});
  model::check(w.d->ready().edge(direction::read) == 2, "N4: only the edge of this life counts");
  w.check_rest();
}

void two_readers_take_turns() {
  scene w;
  const auto read_one = [&] { model::check(w.read(1).count == 1, "N1: each reads one"); };
  model::parallel({{"one", read_one}, {"two", read_one}, {"kernel", [&] { w.send_and_post(2); }}});
  w.check_rest();
}

void muted_against_data() {
  scene w;
  w.become_muted();
  model::parallel({{"reader", [&] { model::check(w.read().count == 1, "N8: it is read"); }},
                   {"kernel", [&] { w.send_and_post_unless_muted(1); }}});
  w.check_rest();
}

void muted_against_two_messages() {
  scene w;
  w.become_muted();
  model::parallel({{"reader", [&] {
                      for (int sum = 0; sum < 2;) sum += static_cast<int>(w.read().count);
                    }},
                   {"kernel", [&] { w.send_and_post_unless_muted(1); w.send_and_post_unless_muted(1); }}});
  w.check_rest();
}

// --- close ------------------------------------------------------------------------------------------------------------

void close_against_reader_and_data() {
  scene w;
  model::parallel({{"reader", [&] {
                      const poll::attempt got = w.read();
                      model::check(got.count == 1 || got.error == ECANCELED, "N6: read, or sent away");
                    }},
                   {"closer", [&] { w.d->close(); }},
                   {"kernel", [&] { w.send_and_post(1); }}});
  w.check_rest();
}

void close_against_a_reader_that_goes_rounds() {
  scene w;
  w.become_muted();
  model::parallel({{"reader", [&] { model::check(w.read().error == ECANCELED, "N6: sent away"); }},
                   {"closer", [&] { w.d->close(); }}});
  w.check_rest();
}

// One waits for data, one for its turn.
void close_against_two_readers() {
  scene w;
  const auto read = [&] { model::check(w.read().error == ECANCELED, "N6: sent away"); };
  model::parallel({{"one", read}, {"two", read}, {"closer", [&] { w.d->close(); }}});
  w.check_rest();
}

void forget_against_the_last_user() {
  scene w;
  model::check(w.d->enter(), "open");
  model::parallel({{"user", [&] { w.receive(); w.d->leave(); }}, {"owner", [&] { w.d->forget(); }}});
  w.check_given_back();
}

// --- deadlines --------------------------------------------------------------------------------------------------------

void deadline_against_data() {
  scene w;
  model::parallel({worker,
                   {"reader", [&] {
                      const poll::attempt got = w.read();
                      model::check(got.count == 1 || got.error == ETIMEDOUT, "N5: read, or timed out");
                    }},
                   {"owner", [&] { w.d->set_deadline(direction::read, 10); w.send_and_post(1); }}});
  model::check(w.d->ready().expired(direction::read), "N5: the deadline has come");
  w.check_rest();
}

void deadline_alone_wakes() {
  scene w;
  model::parallel({worker,
                   {"reader", [&] { model::check(w.read().error == ETIMEDOUT, "N5: timed out"); }},
                   {"owner", [&] { w.d->set_deadline(direction::read, 10); }}});
  w.check_rest();
}

void two_set_deadlines() {
  scene w;
  model::parallel({worker,
                   {"late", [&] { w.d->set_deadline(direction::read, 20); }},
                   {"early", [&] { w.d->set_deadline(direction::read, 10); }}});
  model::check(w.d->ready().expired(direction::read), "N5: the deadline has come");
  w.check_rest();
}

void deadline_moved_to_later() {
  scene w;
  model::parallel({worker, {"owner", [&] {
                     w.d->set_deadline(direction::read, 10);
                     w.d->set_deadline(direction::read, 20);
                   }}});
  model::check(w.d->ready().expired(direction::read) && model::now_ns() >= 20, "N5: the second deadline has come");
  w.check_rest();
}

void deadline_taken_away() {
  scene w;
  model::parallel({worker, {"owner", [&] {
                     w.d->set_deadline(direction::read, 10);
                     w.d->set_deadline(direction::read, poll::readiness::never);
                   }}});
  model::check(!w.d->ready().expired(direction::read), "N5: there is no deadline");
  w.check_rest();
}

// The timer fires, is armed again and is set by another while the owner closes and frees.
void close_against_timers() {
  scene w;
  model::check(w.d->enter(), "open");
  model::parallel({worker,
                   {"setter", [&] {
                      w.d->ready().set_deadline(direction::read, 10);
                      w.d->ready().set_deadline(direction::read, 20);
                      w.d->leave();
                    }},
                   {"owner", [&] { w.d->forget(); }}});
  w.check_given_back();
}

// The caller's own limit: the sleep has a claim, and the loser takes its waiter out of the queue.
void patience_against_data() {
  scene w;
  model::parallel({{"reader", [&] {
                      const poll::attempt got = w.read(8, {.until_ns = 10});
                      model::check(got.count == 1 || (got.error == ETIMEDOUT && model::now_ns() >= 10),
                                   "N5: read, or timed out");
                    }},
                   {"kernel", [&] { w.send_and_post(1); }}});
  w.check_rest();
}

constexpr model::bound everything{.preemptions = model::all, .stale_reads = model::all};
constexpr model::bound three_threads{.preemptions = 2, .stale_reads = 1};
constexpr model::bound with_timers{.preemptions = 2, .stale_reads = 0};

class poller : public testing::Test {
 protected:
  void SetUp() override { model::restore_each_time(sched::the); }
};

TEST_F(poller, an_edge_that_falls_into_the_wait_is_not_lost) { model::holds(everything, one_edge); }
TEST_F(poller, every_edge_is_answered_by_a_read) { model::holds({.preemptions = 3, .stale_reads = 2}, two_edges); }
TEST_F(poller, the_end_of_a_stream_is_read_after_its_last_bytes) { model::holds(everything, last_bytes_and_the_end); }
TEST_F(poller, an_event_of_an_earlier_life_changes_nothing) { model::holds(three_threads, event_of_an_earlier_life); }
TEST_F(poller, readers_take_turns) { model::holds(three_threads, two_readers_take_turns); }

TEST_F(poller, nobody_sleeps_on_a_muted_descriptor) { model::holds(everything, muted_against_data); }
TEST_F(poller, every_message_to_a_muted_descriptor_is_read) {
  model::holds({.preemptions = 2, .stale_reads = 1}, muted_against_two_messages);
}
TEST_F(poller, who_goes_rounds_is_sent_away_by_a_close) {
  model::holds(everything, close_against_a_reader_that_goes_rounds);
}

TEST_F(poller, a_reader_under_a_close_reads_or_is_sent_away) {
  model::holds(three_threads, close_against_reader_and_data);
}
TEST_F(poller, a_close_wakes_the_reader_and_who_waits_for_its_turn) {
  model::holds(three_threads, close_against_two_readers);
}
TEST_F(poller, the_last_user_of_a_forgotten_descriptor_frees_it) {
  model::holds(everything, forget_against_the_last_user);
}

TEST_F(poller, a_deadline_and_data_wake_once) { model::holds(with_timers, deadline_against_data); }
TEST_F(poller, a_deadline_wakes_who_waits) { model::holds(with_timers, deadline_alone_wakes); }
TEST_F(poller, one_of_two_deadlines_comes) { model::holds(with_timers, two_set_deadlines); }
TEST_F(poller, a_deadline_that_was_moved_comes_later) { model::holds(three_threads, deadline_moved_to_later); }
TEST_F(poller, a_deadline_that_was_taken_away_does_not_come) { model::holds(three_threads, deadline_taken_away); }
TEST_F(poller, no_timer_touches_a_closed_descriptor) { model::holds(with_timers, close_against_timers); }
TEST_F(poller, data_and_the_caller_s_own_limit_agree_on_one) {
  model::holds({.preemptions = 2, .stale_reads = 1, .timeouts = 1}, patience_against_data);
}

TEST_F(poller, mutant_edge_read_without_acquire_is_caught) {
  model::caught(model::weaken("poll/readiness.h", "return lane_of(d).edges.load(base::acquire)"), everything, one_edge);
}
TEST_F(poller, mutant_edge_posted_without_release_is_caught) {
  model::caught(model::weaken("poll/readiness.cpp", "l->edges.store(l->edges.load(base::relaxed) + 1, base::release)"),
                everything, one_edge);
}
TEST_F(poller, mutant_user_leaves_without_release_is_caught) {
  model::caught(model::weaken("poll/gate.cpp", "now - one_user, base::acq_rel"), everything,
                forget_against_the_last_user);
}
TEST_F(poller, mutant_last_user_leaves_without_acquire_is_caught) {
  model::caught(model::drop("poll/gate.cpp", "base::thread_fence(base::acquire)"), everything, forget_against_the_last_user);
}
TEST_F(poller, mutant_turn_given_up_without_release_is_caught) {
  model::caught(model::weaken("poll/gate.cpp", "base::acq_rel, base::relaxed)) return !must_finish"), three_threads,
                two_readers_take_turns);
}
TEST_F(poller, mutant_turn_taken_without_acquire_is_caught) {
  model::caught(model::weaken("poll/gate.cpp", "(now + one_user) | busy(d), base::acq_rel"), three_threads,
                two_readers_take_turns);
}

}  // namespace
