// All goroutines, those with the same stack counted together.
//
// Walked while they run, so each is caught at its own moment:
//   parked     its three saved registers, the stack above them, and again the registers: if they have changed meanwhile,
//              it has moved on, and counts as runnable, without a stack;
//   running    its thread notes its registers in a signal handler and walks its own stack there (os/thread_places.h);
//   blocked    in a system call: walked from what /proc knows, and left alone;
//   runnable   parked once, and in a queue of those that can run (sched/queued.h);
//   newborn    never ran: has no stack, but a place where it was started. One that begins while the stacks are walked
//              counts once, with its stack.
// What is kept per goroutine is a look into a table: a million of them that wait in ten places are ten groups. Groups
// beyond most_groups are put together by their innermost frame.
// Refused: stopping all threads first (the signals are what hurts, and a program that hangs hardly changes).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "arch/unwind_registers.h"
#include "debug/unwind.h"
#include "sched/wait_reason.h"

namespace weft::sched {
struct goroutine;
}

namespace weft::debug {

enum class activity : std::uint8_t { parked, runnable, running, blocked, newborn };

struct stack_group {
  activity doing = activity::parked;
  sched::wait_reason reason = sched::wait_reason::none;
  bool is_in_virtual_time = false;
  const char* name = "";
  const void* start_site = nullptr;
  std::uint64_t creator = 0;             // of the first
  const void* object = nullptr;          // what the first waits for
  bool has_one_object = true;            // all wait for that
  std::uint64_t count = 0;
  static constexpr std::size_t most_ids = 10;
  std::uint64_t ids[most_ids] = {};      // the first ones found
  std::int64_t since_min_ns = 0, since_max_ns = 0;
  std::vector<std::uint64_t> pcs;
  walk_end end = walk_end::lost;
};

// A goroutine whose stack is known to whoever asks for the dump: it calls dump(), or it dies.
struct known_stack {
  const sched::goroutine* who = nullptr;
  arch::registers frame;
};

class census {
 public:
  static constexpr std::size_t most_groups = 20'000;

  void take(const known_stack& known);
  void take_some(const std::function<bool(std::uint64_t id)>& wanted);
  void take_only(std::span<const std::uint64_t> ids);  // none is put together with another

  [[nodiscard]] const std::deque<stack_group>& groups() const noexcept { return groups_; }  // `known` first, then as found
  [[nodiscard]] std::uint64_t counted() const noexcept { return counted_; }
  [[nodiscard]] std::int64_t taken_at_ns() const noexcept { return now_ns_; }

 private:
  struct facts;
  void note_workers();
  void add_with_stack(const sched::goroutine& g, const std::byte* top, const std::byte* base);
  void add(const facts& f, std::span<const std::uint64_t> pcs, walk_end end);

  bool is_apart_ = false;
  struct runner {
    const sched::goroutine* who;
    int thread;
  };
  known_stack known_;
  std::int64_t now_ns_ = 0;
  std::vector<runner> runners_;              // sorted by who
  std::vector<std::uintptr_t> can_run_;      // sorted words of those in queues
  rule_cache rules_;
  std::deque<stack_group> groups_;
  std::unordered_multimap<std::uint64_t, stack_group*> by_hash_;
  std::uint64_t counted_ = 0;
};

// The registers a parked goroutine resumes with. False: it is not off its stack.
bool parked_registers(const sched::goroutine& g, arch::registers& frame) noexcept;

}  // namespace weft::debug
