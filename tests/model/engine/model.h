// A model checker for weft: it runs the real sources under every interleaving and every stale read, within stated bounds.
//
// HOW TO WRITE A MODEL
//
//     TEST(mailbox, a_letter_is_never_lost) {                         // tests/model/mailbox_model.cpp
//       model::holds({.preemptions = 3}, [] {                         // the body runs once per execution
//         weft::mailbox box;                                          // real weft code, compiled with -DWEFT_MODEL
//         int received = 0;
//         model::parallel({
//             {"sender", [&] { box.send(1); }},
//             {"receiver", [&] { received = box.receive(); }},
//         });                                                         // returns when all threads are done
//         model::check(received == 1, "B1: what was sent is received");
//       });
//     }
//     TEST(mailbox, mutant_send_without_release_is_caught) {
//       model::caught(model::weaken("sync/mailbox.h", "full_.store(1, base::release)"), {.preemptions = 3}, the_same_body);
//     }
//
// In CMakeLists.txt: weft_model(mailbox SOURCES src/sync/mailbox.cpp), which compiles mailbox_model.cpp and the sources
// with the stand-ins of tests/model/stand_ins in front of the include path (os/futex.h, os/asymmetric_fence.h, os/clock.h,
// os/ and arch/restartable.h, weft/detail/pause.h; nothing else is replaced) and links them with the engine instead of the library.
// Functions of weft that a model does not bring in it defines itself, and its header says which. Large constants (a queue of
// 256) are cut down by weft_model_edit(), which copies a source with one text replaced and fails when the text is no longer there.
//
// A mutant is a mistake that the checker must find; a model without one proves little. Three kinds:
//   weaken(file, code)  the operation in the line of `file` that contains `code` becomes relaxed
//   drop(file, code)    that store or fence does not happen
//   weft_mutant(...)    in CMakeLists.txt: the source with one text replaced, for whatever is no memory order
// A line that no longer exists fails the test, so mutants follow the sources.
//
// WHAT IS EXPLORED
//
//   E1  One thread runs at a time. Before each operation on a word that two threads use, and each fence, futex call and
//       spin, any thread that can run may go next. Depth first, by replaying the choices from the start (stateless, as in
//       VeriSoft: Godefroid, POPL 1997).
//   E2  Bounded mode: at most `preemptions` switches away from a thread that could go on; any number where it blocks, spins
//       or ends (CHESS: Musuvathi and Qadeer, PLDI 2007). The bounds 0, 1, … are run in turn, so what is found first needs
//       fewest. `preemptions = model::all` has no bound; then sleep sets (Godefroid, LNCS 1032) drop schedules that differ
//       only in the order of independent steps.
//   E3  Words that one thread alone uses, or that nobody writes, are no choice. Which these are is learnt: when a word turns
//       out to be shared, the search begins anew, until a whole search has met no new one.
//   E4  Memory (memory.cpp): a load may read any store that coherence and happens-before leave visible, at most
//       `stale_reads` times an older one than the last. Release, acquire, release sequences, fences and seq_cst as in
//       C++20. So store buffering and stale reads are found. Not found: load buffering, and stores to one word that take
//       effect in another order than they were executed in (2+2W), which neither x86-64 nor the uses in weft have.
//   E5  Plain data races are errors: sources under the checker are compiled with -fsanitize=thread, and the engine is the
//       runtime behind it (plain.cpp; vector clocks as in FastTrack: Flanagan and Freund, PLDI 2009). So are accesses to
//       freed memory and to destroyed atomics.
//   E6  A loop that spins through base::backoff sleeps until a word it has read has changed; base::pause() lets others go
//       first, as does a thread after `slice` steps in a row: no kernel would let it keep the others from running for
//       ever (fair scheduling: Musuvathi and Qadeer, PLDI 2008).
//   E7  Time stands still unless `timeouts` is set. Then the clock jumps to the earliest deadline when nobody can run, and
//       up to `timeouts` times before that.
//
// A violation prints the steps of the execution, and a line WEFT_MODEL_REPLAY=… that runs it alone, with
// --gtest_filter on the same test. WEFT_MODEL_DEPTH=n adds n to every bound on preemptions: for long runs by hand.
//
// Refused: real threads (two switches of 5 µs per step, and no stale reads); an instrumenting compiler pass (the door of
// base/atomic.h is enough); state hashing (the state includes stacks).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>

#include <weft_model/atomic.h>

namespace model {

inline constexpr int all = 1'000'000;

struct bound {
  int preemptions = 2;
  int stale_reads = 2;  // per execution
  int spurious = 0;     // futex waits that return, and weak compare-and-swaps that fail, for no reason; per execution
  int timeouts = 0;     // sleepers woken by time although others could run; per execution. 0: time stands still
  int slice = 400;      // steps in a row after which a thread lets others go first: no loop starves them for ever
  int steps = 20'000;   // an execution with more is reported as a livelock
};

struct mutation {
  const char* file = nullptr;  // as it is included: "sched/run_queue.h"
  const char* code = nullptr;  // part of one line
  bool drops = false;          // else: becomes relaxed
};
constexpr mutation weaken(const char* file, const char* code) { return {file, code, false}; }
constexpr mutation drop(const char* file, const char* code) { return {file, code, true}; }

using program = std::function<void()>;

// GoogleTest assertions: no execution, or with a mutant at least one, breaks a check. Both print what was explored.
void holds(bound limits, const program& body);
void caught(const mutation& mistake, bound limits, const program& body);
// All that the program told by outcome() in its executions.
std::set<std::string> outcomes(bound limits, const program& body);

// --- inside the program ---------------------------------------------------------------------------------------------

// Threads that begin together. Returns when all have ended. Those that may sleep (workers that wait for work) need not
// end: then it returns when they sleep and nothing can wake them, and they stay as they are.
struct thread {
  const char* name;
  program body;
  bool may_sleep = false;
};
void parallel(std::initializer_list<thread> threads);

void check(bool condition, const char* invariant) noexcept;  // reported with the schedule when false
[[noreturn]] void fail(const char* what) noexcept;
int choose(int options) noexcept;                            // any of 0 .. options - 1
void outcome(const std::string& what);
void step(const char* what) noexcept;                        // a line in the report
bool sleeps_for_ever(int thread) noexcept;                   // in a futex, without a deadline
int thread_number() noexcept;                                // 0: the body, then in order of the list
std::int64_t now_ns() noexcept;
void set_now(std::int64_t ns) noexcept;

// Memory that lives longer than an execution, and a pointer that each thread has its own of: called before holds().
void restore_each_time(void* memory, std::size_t size);
template <class T>
void restore_each_time(T& global) {
  restore_each_time(static_cast<void*>(&global), sizeof(T));
}
void own_per_thread(void** pointer);

}  // namespace model
