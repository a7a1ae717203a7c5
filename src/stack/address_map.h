// From any address to its slab in two loads, without a lock: what lets a stack_ref be two pointers, and what the
// handler of SIGSEGV asks.
//
// The address space is cut into granules of 4 MiB; a slab starts on a granule and shares none. The first level is a
// static array of 64 KiB, of which a page or two is ever touched; its leaves cover 32 GiB each, are mapped on demand
// and kept.
#pragma once

#include <cstddef>

namespace weft::stack {

struct slab;

inline constexpr std::size_t granule = std::size_t{4} << 20;

// Async-signal-safe. nullptr: no slab there.
slab* slab_of(const void* address) noexcept;

// Enters or (nullptr) erases a slab. False when there is no memory for a leaf; nothing is entered then. Erasing
// succeeds. REQUIRES: start on a granule, and the granules of the range this caller's.
bool map_addresses(const std::byte* start, std::size_t bytes, slab* value) noexcept;

}  // namespace weft::stack
