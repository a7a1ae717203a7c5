// From top to bottom: the world of a program (its channels, timer and contexts), its workers, the search for an explanation,
// and the two ways to run.
//
// Everything hangs on knowing when nobody runs any more, without waiting a guessed time:
//
//   F1  A worker sleeps when the scheduler notes a wait reason for it, which comes after it has queued itself; a thread that
//       was made runnable says so by its permit, until it has taken the reason back.
//   F2  A goroutine that was made runnable is in the inject queue, or with a thread of the scheduler that is not idle; one
//       that moves is in both rather than in neither.
//   F3  A worker that wakes counts itself in activity_ before it sleeps again.
//   So: twice in a row everybody sleeps and nothing is runnable, and activity_ is what it was before. Whoever asks must not
//   hold up others: a plain thread, or a goroutine alone on one processor that has let all others run.
//
// The explanation of a free run is searched depth first over who begins next; a state of model and progress that was tried
// is not tried again, so that a program of fourteen steps takes milliseconds.
// Refused: time stamps around each step (the steps of one program order themselves well enough, and a stamp is one more
// synchronisation between the workers); a log written under a lock, for the same reason.
#include "runner.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

#include <weft/weft.h>

#include "reference.h"
#include "sched/idle.h"
#include "sched/schedule.h"
#include "sched/thread_sleeper.h"
#include "support/crew.h"
#include "support/eventually.h"
#include "support/overtake.h"

namespace fuzz {
namespace {

using namespace std::chrono_literals;

// The channels, timer and contexts of a program, and the operations on them.
class world {
 public:
  explicit world(const program& p)
      : plain_{weft::chan<int>(size(p, 0)), weft::chan<int>(size(p, 1)), weft::chan<int>(size(p, 2)), nullptr},
        contexts_{&outer_, &middle_, &inner_},
        done_{outer_.done(), middle_.done(), inner_.done()} {
    timer_.stop();
  }
  outcome perform(const operation& op) {
    try {
      return perform_or_throw(op);
    } catch (const weft::misuse&) {
      return {true, op.what == action::close ? 0 : -1, 0, true};
    }
  }
  // Ends everybody who is blocked, but for those who wait for the timer: one of these.
  void release() {
    outer_.cancel();
    for (int c = 0; c < plain_channels; ++c)
      if (!plain_[c].closed()) support::close_under_senders(plain_[c]);
    timer_.reset(0ns);
  }

 private:
  static std::size_t size(const program& p, int c) { return static_cast<std::size_t>(p.capacity[c]); }
  static int number(std::optional<int> v) { return v.value_or(0); }

  outcome perform_or_throw(const operation& op) {
    const one_case& c = op.cases[0];
    switch (op.what) {
      case action::send: plain_[c.channel].send(c.value); break;
      case action::try_send: return {true, plain_[c.channel].try_send(c.value + 0) ? 0 : -1, 0, false};
      case action::recv: return {true, 0, receive(c.channel), false};
      case action::try_recv: return try_receive(c.channel);
      case action::select:
      case action::try_select: return choose(op);
      case action::close: support::close_under_senders(plain_[c.channel]); break;
      case action::cancel: contexts_[c.channel - first_done]->cancel(); break;
      case action::stop_timer: timer_.stop(); break;
      case action::fire_timer: {
        const int before = ticks_taken_;
        timer_.reset(0ns);
        while (timer_.channel().size() == 0 && ticks_taken_ == before) weft::yield();
        break;
      }
    }
    return {true, 0, 0, false};
  }
  int receive(int c) {
    if (c < timer_channel) return number(plain_[c].recv());
    if (c == timer_channel) return tick(timer_.channel().recv().has_value());
    return done_[c - first_done].recv();
  }
  outcome try_receive(int c) {
    int got = 0;
    if (c < timer_channel) got = number(plain_[c].try_recv());
    else if (c == timer_channel) got = tick(timer_.channel().try_recv().has_value());
    else got = done_[c - first_done].try_recv();
    return {true, got ? 0 : -1, got, false};
  }
  int tick(bool got_it) {
    if (got_it) ++ticks_taken_;
    return got_it;
  }

  template <class Make>
  static auto on_heap(Make make) {  // cases do not move
    return std::unique_ptr<decltype(make())>(new auto(make()));
  }
  // Keeps one case of any kind.
  struct any_case {
    std::unique_ptr<weft::send_case<int>> send;
    std::unique_ptr<weft::recv_case<int>> recv;
    std::unique_ptr<weft::recv_case<weft::clock::time_point>> tick;
    std::unique_ptr<weft::recv_case<void>> done;
  };
  outcome choose(const operation& op) {
    std::vector<any_case> cases(op.cases.size());
    std::vector<weft::select_case*> set;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const one_case& c = op.cases[i];
      any_case& mine = cases[i];
      const auto keep = [&](auto& place, auto&& made) {
        place = std::move(made);
        set.push_back(place.get());
      };
      if (!c.is_enabled) set.push_back(nullptr);
      else if (c.is_send) keep(mine.send, on_heap([&] { return weft::on_send(plain_[c.channel], c.value); }));
      else if (c.channel < timer_channel) keep(mine.recv, on_heap([&] { return weft::on_recv(plain_[c.channel]); }));
      else if (c.channel == timer_channel) keep(mine.tick, on_heap([&] { return weft::on_recv(timer_.channel()); }));
      else keep(mine.done, on_heap([&] { return weft::on_recv(done_[c.channel - first_done]); }));
    }
    const std::span<weft::select_case* const> span(set);
    int fired = -1;
    if (op.what == action::select) fired = static_cast<int>(weft::select(span));
    else if (weft::try_select(span))
      for (std::size_t i = 0; i < set.size(); ++i)
        if (set[i] && *set[i]) fired = static_cast<int>(i);
    if (fired < 0) return {true, -1, 0, false};
    any_case& won = cases[static_cast<std::size_t>(fired)];
    int got = 0;
    if (won.recv) got = number(won.recv->take());
    if (won.tick) got = tick(won.tick->take().has_value());
    if (won.done) got = won.done->take();
    return {true, fired, got, false};
  }

  weft::chan<int> plain_[plain_channels + 1];
  weft::timer timer_{1h};
  std::atomic<int> ticks_taken_{0};
  weft::cancel_context outer_ = weft::with_cancel(weft::background());
  weft::cancel_context middle_ = weft::with_cancel(outer_);
  weft::cancel_context inner_ = weft::with_cancel(middle_);
  weft::cancel_context* const contexts_[contexts];
  const weft::receiver<void> done_[contexts];
};

// The workers of a program: goroutines and threads that perform what they are told.
class workforce {
 public:
  workforce(const program& p, world& w) : program_(p), world_(w) {
    for (int i = 0; i < workers; ++i) (p.on_threads[i] ? threads_ : goroutines_).start([this, i] { work(members_[i]); });
    wait_for_rest();
  }
  ~workforce() {
    is_over_ = true;
    for (auto& m : members_) m.orders.close();
    const auto limit = weft::clock::now() + support::stretched(20s);
    while (std::ranges::any_of(members_, [](const member& m) { return m.sleeper.load() != nullptr; })) {
      world_.release();
      for (int i = 0; i < 10; ++i) weft::yield();
      if (weft::clock::now() < limit) continue;
      std::ostringstream text;
      text << "somebody sleeps on although everything is closed; program: " << program_;
      std::fputs(text.str().c_str(), stderr);
      std::abort();
    }
  }
  // REQUIRES: the worker rests.
  void tell(int worker, const operation* first, const operation* last) {
    members_[worker].outcomes.clear();
    members_[worker].orders.send({first, last});
  }
  const std::vector<outcome>& outcomes(int worker) const { return members_[worker].outcomes; }  // of those that have ended

  // Returns once every worker sleeps and nothing is under way that could wake one.
  void wait_for_rest() {
    while (true) {
      const long before = activity_;
      if (is_at_rest() && is_at_rest() && activity_ == before) return;
      weft::yield();
    }
  }

 private:
  struct order {
    const operation* first;
    const operation* last;
  };
  struct member {
    weft::chan<order> orders{1};
    std::atomic<weft::detail::sleeper*> sleeper{nullptr};
    std::vector<outcome> outcomes;  // written by the worker, read while it sleeps
  };

  void work(member& me) {
    me.sleeper = weft::sched::self();
    for (const order o : me.orders) {
      ++activity_;
      for (const operation* op = o.first; op != o.last && !is_over_; ++op) {
        me.outcomes.push_back(world_.perform(*op));
        ++activity_;
      }
    }
    me.sleeper = nullptr;
  }
  bool is_at_rest() const { return everybody_sleeps() && nothing_is_runnable() && everybody_sleeps(); }
  bool everybody_sleeps() const {
    for (const auto& m : members_) {
      const auto* who = m.sleeper.load();
      if (!who || who->reason.load(weft::base::acquire) == weft::sched::wait_reason::none) return false;
      if (!who->is_goroutine &&
          park_of(static_cast<const weft::sched::thread_sleeper&>(*who)) == weft::sched::park_kind::none)
        return false;
    }
    return true;
  }
  // F2. A goroutine that asks holds a thread and a processor itself: it lets everybody in its queue run first, and so wants
  // to be alone on one processor.
  static bool nothing_is_runnable() {
    using weft::base::acquire;
    auto& the = weft::sched::the;
    const std::uint32_t mine = weft::on_goroutine() ? 1 : 0;
    for (int i = 0; mine && i < 130; ++i) weft::yield();  // twice as many decisions as until the inject queue is looked at
    return the.injected.load(acquire) == 0 && the.idle_workers.load(acquire) + mine == the.workers.load(acquire) &&
           the.idle_processors.load(acquire) + mine == static_cast<std::uint32_t>(the.limit.load(acquire)) &&
           the.injected.load(acquire) == 0;
  }

  const program& program_;
  world& world_;
  member members_[workers];
  std::atomic<long> activity_{0};
  std::atomic<bool> is_over_{false};
  support::crew goroutines_, threads_{support::kind::plain_thread};
};

using outcomes = std::map<int, outcome>;

std::string describe(const program& p, std::uint64_t seed, const std::string& what, const outcomes& seen) {
  std::ostringstream text;
  text << what;
  if (seed) text << "\nWEFT_STRESS_SEED=" << seed;
  for (const auto& [worker, result] : seen) text << "\n  worker " << worker << ": " << result;
  text << "\nprogram: " << p;
  std::fprintf(stderr, "%s\n", text.str().c_str());  // at once: a runtime that loses wake-ups may hang while the workers end
  return text.str();
}

// Is there an order of the steps that leads to what was seen? Depth first; states that were tried are not tried again.
class explanation {
 public:
  explanation(const std::vector<operation> (&ops)[workers], const std::vector<outcome> (&results)[workers])
      : ops_(ops), results_(results) {}
  bool exists(const reference& from) { return search(from, {}); }

 private:
  struct progress {
    std::size_t begun[workers] = {};
  };
  bool search(const reference& now, const progress& so_far) {
    std::string key = now.print();
    for (std::size_t n : so_far.begun) key += '/' + std::to_string(n);
    if (!tried_.insert(std::move(key)).second) return false;
    bool all_begun = true;
    for (int w = 0; w < workers; ++w) {
      const std::size_t next = so_far.begun[w];
      if (now.is_closing(w)) {
        reference after = now;
        if (after.close_next(w, current(so_far)) && search(after, so_far)) return true;
        all_begun = false;
        continue;
      }
      if (now.is_blocked(w) || next == ops_[w].size()) continue;
      all_begun = false;
      progress then = so_far;
      ++then.begun[w];
      reference after = now;
      if (after.perform(w, ops_[w][next], current(then)) && search(after, then)) return true;
    }
    if (!all_begun) return false;
    return now.agrees_at_rest(current(so_far));
  }
  // How the last operation that each worker has begun ended.
  outcomes current(const progress& p) const {
    outcomes seen;
    for (int w = 0; w < workers; ++w)
      if (p.begun[w] > 0) seen[w] = p.begun[w] <= results_[w].size() ? results_[w][p.begun[w] - 1] : outcome{};
    return seen;
  }
  const std::vector<operation> (&ops_)[workers];
  const std::vector<outcome> (&results_)[workers];
  std::set<std::string> tried_;
};

}  // namespace

std::string run_stepwise(const program& p, std::uint64_t seed) {
  world w(p);
  workforce team(p, w);
  reference model(p);
  for (const auto& [worker, op] : p.steps) {
    if (model.is_blocked(worker)) continue;
    outcomes seen;
    for (int other = 0; other < workers; ++other)
      if (model.is_blocked(other)) seen[other];
    team.tell(worker, &op, &op + 1);
    team.wait_for_rest();
    seen[worker];
    for (auto& [who, result] : seen)
      if (!team.outcomes(who).empty()) result = team.outcomes(who).front();
    bool is_allowed = model.perform(worker, op, seen);
    while (is_allowed && model.is_closing(worker)) is_allowed = model.close_next(worker, seen);
    if (!is_allowed || !model.agrees_at_rest(seen)) {
      std::ostringstream what;
      what << "not allowed: worker " << worker << ", " << op << ", state " << model.print();
      return describe(p, seed, what.str(), seen);
    }
  }
  return {};
}

std::string run_at_once(const program& p, std::uint64_t seed) {
  std::vector<operation> ops[workers];
  for (const auto& s : p.steps)
    if (s.op.what != action::fire_timer && s.op.what != action::stop_timer) ops[s.worker].push_back(s.op);
  std::vector<outcome> results[workers];
  {
    world w(p);
    workforce team(p, w);
    for (int i = 0; i < workers; ++i)
      if (!ops[i].empty()) team.tell(i, ops[i].data(), ops[i].data() + ops[i].size());
    team.wait_for_rest();
    for (int i = 0; i < workers; ++i)
      if (!ops[i].empty()) results[i] = team.outcomes(i);
  }
  if (explanation(ops, results).exists(reference(p))) return {};
  std::ostringstream what;
  what << "no order of the steps explains what was seen";
  for (int i = 0; i < workers; ++i) {
    what << "\n  worker " << i << " saw:";
    for (const auto& r : results[i]) what << " [" << r << "]";
  }
  return describe(p, seed, what.str(), {});
}

}  // namespace fuzz
