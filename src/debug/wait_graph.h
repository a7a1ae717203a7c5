// Circles of waits for locks among goroutines and plain threads, and all waits explained.
//
// Who waits for a mutex waits for who holds it; a writer for all readers; a reader, where no writer holds the lock, for the
// writer that waits before it. Each needs all of those it waits for, so a circle by any of these edges never ends by
// itself.
//
//   DL1  An edge is one party parked for a lock, and a party that it waits for. A circle is reported only if each of its
//        edges was there at two looks, look_apart_ns apart, and nobody in it has moved between: then there is a moment at
//        which all edges were there together.
//   DL2  A party has not moved if it is in the same park since the same time, and that time was steady_ns ago at the first
//        look: times of parks are coarse, those of two parks in a row may be equal.
//   DL3  Who holds a lock is found from the lock (lock_owners.h), which tells what can deceive it.
// Refused: taking the queues' locks for a consistent picture (a debugger that can deadlock).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "debug/waits.h"

namespace weft::debug {

inline constexpr std::int64_t look_apart_ns = 20'000'000;
inline constexpr std::int64_t steady_ns = 20'000'000;

// Each waits for the next one, the last for the first; begins with the lowest.
using cycle = std::vector<wait>;
std::vector<cycle> find_cycles();

// "deadlock of 2 goroutines, each waiting for the next:", and a line for each.
std::string cycle_text(const cycle& c);

// What all wait for, object by object, and the circles of this moment: for the report of a deadlock.
std::string explanation();

}  // namespace weft::debug
