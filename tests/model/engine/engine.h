// The inside of the checker: threads, steps, memory, and the search.
//
//   explorer.cpp   the search: choices, replay, bounds
//   schedule.cpp   threads as fibres; who goes next
//   memory.cpp     what a load may read
//   platform.cpp   futex, membarrier, clock, fatal errors
//   plain.cpp      plain accesses, the heap
//   report.cpp     the schedule of a failure; where mutants stand in the sources
#pragma once

#include <array>
#include <cstdint>
#include <setjmp.h>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/model.h"

namespace model {

inline constexpr int max_threads = 8, max_locations = 1024;
using threads = std::uint32_t;  // bit t: thread t
constexpr threads one(int t) { return 1u << t; }

// What a thread has seen: [0, max_threads) the steps of each thread that happened before, then for each location the
// position, in its order of stores, of the latest it knows. A load reads nothing older.
struct view {
  std::array<std::uint32_t, max_threads + max_locations> at;
};
std::uint32_t& clock_of(view&, int thread);
std::uint32_t& place_of(view&, std::uint32_t location);

// A view that travels with a store; null: empty.
struct message {
  const std::uint32_t* at = nullptr;
  std::uint32_t size = 0;
};

struct written {
  std::uint64_t value;
  message carries;
  int step;  // in the report; 0: initial
};

struct location {
  const cell* where;
  std::size_t size;
  std::vector<written> order;  // of modification
  threads users, writers;
  bool is_dead;
};

enum class action : std::uint8_t { none, begin, load, store, rmw, fence, wait, wake, spin, yield, heavy, end, note };

// What a thread is about to do. Two steps are independent when their order makes no difference: sleep sets ask.
struct operation {
  action what = action::none;
  std::uint32_t place = 0;  // location + 1; 0: none
  bool writes = false, is_seq_cst = false, touches_all = false;
};

struct recorded {
  int thread;
  action what;
  site where;
  std::memory_order order;
  std::uint32_t place;
  std::uint64_t value;
  int read_from;  // step of the store; -1: none was read
  const char* note;
};

struct fibre {
  const char* name;
  program body;
  bool may_sleep;
  enum class state : std::uint8_t { ready, spinning, yielding, sleeping, finished } now;
  bool has_begun;
  jmp_buf resume;
  view seen, to_acquire, released;  // to_acquire: until the next acquire fence; released: at the last release fence
  operation next;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> polled;  // location and place read since the last spin
  threads stepped;      // since its last spin
  threads before_it;    // go first, while they can
  int in_a_row;         // steps since another thread ran
  std::uint32_t sleeps_on;  // location + 1
  std::int64_t deadline;
  int wake_result;
  std::uint32_t interruptions;  // heavy fences of others that it was made to pass
  site asleep_at;
};

struct choice {
  std::uint16_t taken, options;
};

struct engine {
  // The search.
  bound limits;
  std::vector<choice> path;
  std::size_t depth = 0;
  std::unordered_set<const cell*> shared;   // E3
  bool learnt = false;
  bool is_replay = false;
  const mutation* mistake = nullptr;
  int mistake_line = 0, mistake_hits = 0;
  std::uint64_t executions = 0, steps_taken = 0;
  std::set<std::string>* told = nullptr;

  // One execution.
  bool is_exploring = false;   // the body runs
  bool in_program = false;     // its own code, not the engine's
  std::uint32_t execution = 0;
  int self = 0, count = 1;     // threads
  std::array<fibre, max_threads> fibres;
  jmp_buf outside;
  bool is_alone = true;        // no parallel() under way
  int preemptions = 0, stale_reads = 0, spurious = 0, timeouts = 0;
  threads asleep = 0;          // sleep set
  std::vector<location> locations;
  std::uint32_t used = 0;      // locations
  view sc;                     // what seq_cst operations and fences have published
  std::int64_t now = 0;
  std::vector<recorded> history;
  bool has_failed = false, is_redundant = false;
  bool gave_up = false;  // the checker's own limits: proves nothing about the program
  std::string failure;
};
extern engine e;

// While it lives the engine's own code runs: its allocations and accesses are its own affair.
class inside_engine {
 public:
  inside_engine() noexcept : was_(e.in_program) { e.in_program = false; }
  ~inside_engine() { e.in_program = was_; }
  inside_engine(const inside_engine&) = delete;
  inside_engine& operator=(const inside_engine&) = delete;

 private:
  bool was_;
};

// explorer.cpp
int pick(int options) noexcept;
// platform.cpp
[[noreturn]] void give_up(const char* limit) noexcept;
// schedule.cpp
void run_body(const program& body);
void point(const operation& next) noexcept;      // the thread's next step: returns when it is its turn
void done_with(const operation& done) noexcept;  // wakes from the sleep set what depends on it
void block() noexcept;                           // the thread's state says why; returns when it is its turn again
[[noreturn]] void leave_execution() noexcept;
// memory.cpp
std::uint32_t location_of(const cell*, std::size_t size) noexcept;
void join(view& into, message) noexcept;
message carried(const view&) noexcept;
void seq_cst_fence(int thread) noexcept;
void begin_memory() noexcept;
// plain.cpp
void begin_plain() noexcept;
void plain_access(const void* address, std::size_t size, bool writes, const void* code) noexcept;
// report.cpp
void record(action, site, std::memory_order, std::uint32_t place, std::uint64_t value, int read_from, const char* note = "");
std::string report();
std::string path_text();
std::vector<choice> path_from(const std::string& text);
int line_of(const mutation&);
bool is_mistake(site) noexcept;

}  // namespace model
