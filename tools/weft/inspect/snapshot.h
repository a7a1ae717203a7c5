// The goroutines of a process, as its memory shows them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inspect/layout.h"
#include "inspect/target.h"

namespace weft::tool {

enum class goroutine_state : std::uint8_t {
  waiting,
  runnable,
  fresh,  // in a queue, and never ran: it has no stack yet
  running,
  blocked,   // in a declared blocking call: without a processor
  detached,  // its processor was taken away: in a loop, or blocked without having said so
};
const char* to_string(goroutine_state) noexcept;

struct seen_goroutine {
  std::uint64_t id = 0, creator = 0;
  goroutine_state state = goroutine_state::waiting;
  std::string reason;  // of a waiting one: "chan receive"
  std::int64_t waiting_ns = 0;
  std::uint64_t object = 0;  // what it waits for
  std::string name;
  std::uint64_t start_site = 0;          // a return address
  int thread = 0;                        // that runs it
  std::uint64_t sp = 0, pc = 0, fp = 0;  // of one that is neither running nor fresh
  std::uint64_t stack_base = 0, stack_top = 0;
  std::uint64_t block = 0;  // its control block
};

struct snapshot {
  std::vector<seen_goroutine> goroutines;  // by id
  std::size_t alive = 0;                   // as the counters say; those that moved meanwhile may be missing above
  int processors = 0, idle_processors = 0;
  int workers = 0, idle_workers = 0;
};

// Throws inspection_error. A live process goes on meanwhile: each control block is read until two looks agree.
snapshot take_snapshot(target&, const layout&);

// One goroutine again: false when it has moved since, so that what was read of its stack in between is worth nothing.
bool is_unchanged(const layout&, const seen_goroutine&);

}  // namespace weft::tool
