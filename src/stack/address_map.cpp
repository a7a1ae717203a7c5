#include "stack/address_map.h"

#include <array>
#include <cstdint>

#include "base/atomic.h"
#include "os/memory.h"

namespace weft::stack {
namespace {

constexpr int address_bits = 48;
constexpr std::size_t granules_per_leaf = 8192;
constexpr std::size_t leaves = (std::size_t{1} << address_bits) / granule / granules_per_leaf;
using entry = base::atomic<slab*>;

constinit std::array<base::atomic<entry*>, leaves> root;

std::size_t granule_of(const void* address) noexcept { return reinterpret_cast<std::uintptr_t>(address) / granule; }

bool ensure_leaf(std::size_t leaf) noexcept {
  if (leaf >= leaves) return false;
  if (root[leaf].load(base::acquire) != nullptr) return true;
  constexpr std::size_t bytes = granules_per_leaf * sizeof(entry);
  // Zeroed memory is an array of empty entries; constructing them would touch every page of it.
  auto* memory = static_cast<entry*>(os::reserve(bytes, os::page_size()));
  if (memory == nullptr) return false;
  entry* expected = nullptr;
  if (!root[leaf].compare_exchange_strong(expected, memory, base::acq_rel, base::relaxed)) os::release(memory, bytes);
  return true;
}

}  // namespace

slab* slab_of(const void* address) noexcept {
  const std::size_t number = granule_of(address);
  if (number / granules_per_leaf >= leaves) return nullptr;
  const entry* leaf = root[number / granules_per_leaf].load(base::acquire);
  return leaf == nullptr ? nullptr : leaf[number % granules_per_leaf].load(base::acquire);
}

bool map_addresses(const std::byte* start, std::size_t bytes, slab* value) noexcept {
  const std::size_t first = granule_of(start), last = granule_of(start + bytes - 1);
  for (std::size_t leaf = first / granules_per_leaf; leaf <= last / granules_per_leaf; ++leaf)
    if (!ensure_leaf(leaf)) return false;
  for (std::size_t number = first; number <= last; ++number)
    root[number / granules_per_leaf].load(base::relaxed)[number % granules_per_leaf].store(value, base::release);
  return true;
}

}  // namespace weft::stack
