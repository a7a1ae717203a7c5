// Address space and pages: the only place that maps, unmaps, guards or advises memory.
//
// Nothing here throws, and errno is as it was after every call: failures come back as values. Functions that take
// several ranges do them in one system call where the kernel allows it (process_madvise on oneself, Linux 6.13) and
// one by one where it does not; per page the batch costs about half of the single calls.
#pragma once

#include <cstddef>
#include <span>

namespace weft::os {

struct memory_range {  // laid out as struct iovec
  void* start;
  std::size_t bytes;
};

// The first `done` ranges were treated; `error` is why the next one was not (0: all were).
struct advice_result {
  std::size_t done;
  int error;
  explicit operator bool() const noexcept { return error == 0; }
};

std::size_t page_size() noexcept;

// Address space without memory: readable, writable, zero, never in huge pages. nullptr when the kernel refuses.
// `alignment` is a power of two of at least a page. `hint`: where it should go if that place is free, so that
// neighbours become one VMA.
void* reserve(std::size_t bytes, std::size_t alignment, void* hint = nullptr) noexcept;
bool release(void* start, std::size_t bytes) noexcept;

// Gives the pages back and keeps the address space: they read as zero afterwards. Guards inside the ranges stay.
advice_result discard(std::span<const memory_range> ranges) noexcept;
// Gives the ranges memory at once, which their first touch would do page by page and for more. A hint: where the kernel
// does not do several in one call, nothing happens. At most 64 ranges.
void populate(std::span<const memory_range> ranges) noexcept;
// Makes each access to the ranges fault, without a VMA of their own (Linux 6.13; EINVAL before).
advice_result guard(std::span<const memory_range> ranges) noexcept;
// Makes each access to the range fault; costs up to two VMAs. 0 or an errno value.
int protect(void* start, std::size_t bytes) noexcept;

// True when reading the page at `address` faults: asks the kernel, so that nothing faults here.
bool is_unreadable(const void* address) noexcept;

// What bounds a process's address space; 0 stands for "unknown or unlimited".
struct address_space_limits {
  std::size_t max_map_count;  // vm.max_map_count
  int overcommit;             // vm.overcommit_memory: 2 is strict accounting
  std::size_t max_bytes;      // RLIMIT_AS, ulimit -v
};
address_space_limits read_address_space_limits() noexcept;

}  // namespace weft::os
