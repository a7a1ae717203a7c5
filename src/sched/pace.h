// What is known about the speed of a processor, and of a worker about locks. sharing.h says what for.
#pragma once

#include <cstdint>

#include "base/atomic.h"

namespace weft::sched {

struct processor;

// Owner (processor.h), but for what is atomic, which others may look at.
struct pace {
  static constexpr std::int64_t unknown_ns = 1'000'000;  // as good as "slow": others are told of everything

  base::atomic<std::uint32_t> enough{1};    // S2: how many have to wait before others are told, newborns among them
  base::atomic<std::uint32_t> enough_in_line{1};  // ... without newborns
  std::int64_t decision_ns = unknown_ns;    // S1
  std::int64_t since_ns = 0;                // begin of the interval that is being measured ...
  std::uint32_t since_tick = 0;             // ... and the decisions taken before it
  std::int64_t probe_at_ns = 0;             // S3
  std::uint32_t wake_at_tick = 0;           // S4: no wake-up for the sake of the next slot before this decision
  std::uint32_t patience = 1;               // S4: decisions between two such wake-ups
};

// Of a worker: locks that it found held by others who run.
struct contention {
  std::uint32_t count = 0;
  std::uint32_t streak = 0;                 // in a row, each soon after the one before
  std::int64_t last_ns = 0;
};

// Of a worker: a processor whose work it could not take, and the decisions that had been made there (steal.h, V4).
struct refusal {
  const processor* by = nullptr;
  std::uint32_t tick = 0;
};

// Of a worker: work that it took from another processor and what came after it.
struct visit {
  processor* host = nullptr;                // null: none, or its end has been judged
  std::int64_t since_ns = 0;
  std::uint32_t taken = 0;                  // so many
  std::uint32_t contended = 0;              // contention::count at its begin
};

}  // namespace weft::sched
