#include "debug/memory_scan.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <utility>
#include <vector>

#include "os/own_memory.h"
#include "sched/idle.h"
#include "sched/worker.h"
#include "stack/stack.h"

namespace weft::debug {
namespace {

struct mapping {
  std::uintptr_t low, high;
  bool is_above_guard;  // what lies right below cannot be accessed: a thread's stack, perhaps
};

// Writable, and not a device's: reading those may have effects.
bool read_mappings(std::vector<mapping>& all) {
  std::ifstream file("/proc/self/maps");
  std::uintptr_t guard_end = 0;
  for (std::string line; std::getline(file, line);) {
    std::uintptr_t low, high;
    char access[5];
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &low, &high, access) != 3) return false;
    if (access[0] == '-') guard_end = high;
    if (access[0] == 'r' && access[1] == 'w' && line.find(" /dev/") == line.npos) all.push_back({low, high, guard_end == low || line.ends_with("[stack]")});
  }
  return !all.empty();
}

bool contains(const mapping& m, const void* address) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return at >= m.low && at < m.high;
}

// Below the stack pointer of a plain thread is what its past calls have left. Of two in one stack the upper one counts.
void leave_out_dead_ends(std::vector<mapping>& all, std::span<const std::uint64_t> stack_pointers) {
  for (const std::uint64_t sp : stack_pointers)
    for (mapping& m : all)
      if (!stack::find(reinterpret_cast<void*>(sp)).top && m.is_above_guard && sp >= m.low && sp < m.high) m.low = sp / sizeof sp * sizeof sp;
}

constexpr std::size_t piece = std::size_t{1} << 20;
constexpr std::uintptr_t page = 4096;

// What lies in the middle of mappings and is not looked at. The kernel makes one mapping of neighbours that are alike.
class exceptions {
 public:
  explicit exceptions(const void* copy) {
    add(copy, piece);  // what is read would be found again there
    const std::span<const std::byte> ahead = stack::mapped_ahead();  // gigabytes, and to read it would give it page tables
    add(ahead.data(), ahead.size());
    // Handlers of signals, ours for dumps too, leave the registers of whom they interrupted on these.
    for (const sched::worker* w = sched::the.all_workers.load(base::acquire); w; w = w->next_all)
      if (const void* stack = w->signal_stack.load(base::acquire)) add(stack, sched::signal_stack_bytes);
    std::sort(ranges_.begin(), ranges_.end());
  }

  // The end of the exception that the address lies in; 0: it lies in none. All begin and end with a page.
  [[nodiscard]] std::uintptr_t end_of(std::uintptr_t at) const noexcept {
    if (const stack::found slot = stack::find(reinterpret_cast<void*>(at)); slot.top) return reinterpret_cast<std::uintptr_t>(slot.top);
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), std::pair(at, ~std::uintptr_t{0}));
    return after != ranges_.begin() && at < std::prev(after)->second ? std::prev(after)->second : 0;
  }
  // The first of them that begins behind `at`, or `end`.
  [[nodiscard]] std::uintptr_t next(std::uintptr_t at, std::uintptr_t end) const noexcept {
    for (at = at / page * page + page; at < end; at += page)
      if (end_of(at) != 0) return at;
    return end;
  }

 private:
  void add(const void* start, std::size_t bytes) {
    const auto low = reinterpret_cast<std::uintptr_t>(start);
    ranges_.emplace_back(low, low + bytes);
  }
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges_;
};

}  // namespace

bool copy_writable_memory(std::span<const std::uint64_t> stack_pointers,
                          void (*visit)(void*, const std::byte*, const std::byte*), void* argument) {
  void* const copy = ::mmap(nullptr, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return false;
  const exceptions left_out(copy);
  auto* const bytes = static_cast<std::byte*>(copy);
  std::vector<mapping> all;
  const bool is_read = read_mappings(all);
  leave_out_dead_ends(all, stack_pointers);
  for (const mapping& m : all) {
    if (contains(m, __builtin_frame_address(0))) continue;  // the stack of a thread that was started for this
    for (std::uintptr_t at = m.low; at < m.high;) {
      if (const std::uintptr_t behind = left_out.end_of(at); behind != 0) {
        at = behind;
        continue;
      }
      std::uintptr_t end = left_out.next(at, std::min(m.high, at + piece));
      while (at < end) {
        const std::size_t length = end - at;
        if (os::copy_own_memory(reinterpret_cast<void*>(at), bytes, length)) {
          visit(argument, bytes, bytes + length);
          at = end;
        } else if (length > page) {
          end = at + (length / 2 + page - 1) / page * page;  // some of it is gone: by halves
        } else {
          at = end;
        }
      }
    }
  }
  ::munmap(copy, piece);
  return is_read;
}

}  // namespace weft::debug
