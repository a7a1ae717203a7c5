// Plain memory: the runtime behind -fsanitize=thread, and a heap that begins anew with each execution.
//
// Sources under the checker are compiled with -fsanitize=thread and linked without its library: the compiler announces each
// access to memory that may be shared, and the functions here look whether it races. An access is remembered per 8 bytes
// with thread, clock and bytes; two accesses to the same bytes, one of them a write, race unless the later thread's clocks
// say that the earlier came before (vector clocks, FastTrack's epochs). Being no scheduling points, plain accesses cost no
// interleavings: a program without races behaves the same wherever they are interleaved.
//
// The heap hands out addresses in order and takes none back: they are the same in each replay, an access after delete is
// seen, and an execution that is left in the middle leaks nothing.
#include <dlfcn.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "engine/engine.h"

namespace model {

namespace {

constexpr std::size_t heap_bytes = std::size_t{64} << 20;
char* const heap = static_cast<char*>(std::aligned_alloc(4096, heap_bytes));
std::size_t heap_used = 0;
bool is_on_heap(const void* p) noexcept { return p >= heap && p < heap + heap_bytes; }

struct access {
  std::uint32_t clock;  // 0: none
  std::uint8_t thread, bytes;
  bool writes;
  const void* code;
};

constexpr std::size_t granules = 1 << 16, accesses_each = 4;
struct granule {
  std::uintptr_t address = 0;  // divided by 8
  std::uint32_t execution = 0;
  bool is_freed = false;
  access last[accesses_each];
};
granule shadow[granules];

granule& granule_of(std::uintptr_t address) noexcept {
  std::size_t i = address * 0x9E3779B97F4A7C15ULL >> 48;
  for (std::size_t tries = 0; tries < granules; ++tries, i = (i + 1) % granules) {
    granule& g = shadow[i];
    if (g.execution == e.execution && g.address == address) return g;
    if (g.execution == e.execution) continue;
    g = {address, e.execution, false, {}};
    return g;
  }
  give_up("too much memory is used in one execution for the checker to watch");
}

std::string place_of_code(const void* code) {
  Dl_info object;
  if (!::dladdr(code, &object)) return "?";
  const auto* start = static_cast<const char*>(object.dli_fbase);
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(code) - start) - 1;
  char command[512], line[512] = "";
  std::snprintf(command, sizeof command, "addr2line -Cse '%s' 0x%zx 2>/dev/null", object.dli_fname, offset);
  if (std::FILE* out = ::popen(command, "r")) {
    if (!std::fgets(line, sizeof line, out)) line[0] = '\0';
    ::pclose(out);
  }
  std::string text = line;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "?" : text;
}

[[gnu::cold]] void tell_race(const access& before, bool writes, const void* code) {
  const char* self = e.fibres[static_cast<std::size_t>(e.self)].name;
  const std::string what = std::string("data race: ") + e.fibres[before.thread].name +
                           (before.writes ? " writes" : " reads") + " at " + place_of_code(before.code) + ", " + self +
                           (writes ? " writes" : " reads") + " at " + place_of_code(code) + ", and nothing orders the two";
  fail(what.c_str());
}

void look_at(granule& g, std::uint8_t bytes, bool writes, const void* code) noexcept {
  fibre& f = e.fibres[static_cast<std::size_t>(e.self)];
  if (g.is_freed) fail(("memory is used after it was freed, at " + place_of_code(code)).c_str());
  const auto self = static_cast<std::uint8_t>(e.self);
  access* room = nullptr;
  for (access& a : g.last) {
    if (a.clock == 0) {
      if (!room) room = &a;
      continue;
    }
    const bool came_before = a.thread == self || a.clock <= clock_of(f.seen, a.thread);
    if (!came_before && (a.bytes & bytes) != 0 && (a.writes || writes)) tell_race(a, writes, code);
    // What it covers, or an own one that says less, may be forgotten.
    if (came_before && (a.bytes & ~bytes) == 0 && (writes || (a.thread == self && !a.writes))) room = &a;
  }
  if (!room) room = &g.last[self % accesses_each];
  *room = {clock_of(f.seen, e.self), self, bytes, writes, code};
}

void free_range(void* block, std::size_t size, const void* code) noexcept {
  plain_access(block, size, true, code);
  const auto first = std::bit_cast<std::uintptr_t>(block) / 8, last = (std::bit_cast<std::uintptr_t>(block) + size) / 8;
  for (auto a = first; a < last; ++a) granule_of(a).is_freed = true;
}

constexpr std::size_t header_bytes = 16, watched_bytes = 4096;

void* allocate(std::size_t size, std::size_t alignment) {
  if (!e.in_program) {
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* outside = alignment > 16 ? std::aligned_alloc(alignment, rounded) : std::malloc(size);
    if (!outside) throw std::bad_alloc();
    return outside;
  }
  inside_engine guard;
  alignment = alignment < 16 ? 16 : alignment;
  const std::size_t start = (heap_used + header_bytes + alignment - 1) / alignment * alignment;
  if (start + size > heap_bytes) give_up("the program uses more memory than the checker has");
  *reinterpret_cast<std::size_t*>(heap + start - 8) = size;
  heap_used = start + size;
  return heap + start;
}

void release(void* block, const void* code) noexcept {
  if (!is_on_heap(block)) return std::free(block);
  inside_engine guard;
  if (!e.is_exploring) return;
  const std::size_t size = *reinterpret_cast<std::size_t*>(static_cast<char*>(block) - 8);
  free_range(block, size < watched_bytes ? size : watched_bytes, code);
}

}  // namespace

void begin_plain() noexcept { heap_used = 0; }

void* reallocate(void* block, std::size_t size) {
  void* larger = allocate(size, 16);
  if (!block) return larger;
  const std::size_t before = *reinterpret_cast<std::size_t*>(static_cast<char*>(block) - 8);
  std::memcpy(larger, block, before < size ? before : size);
  release(block, __builtin_return_address(0));
  return larger;
}

void plain_access(const void* address, std::size_t size, bool writes, const void* code) noexcept {
  if (!e.is_exploring) return;
  auto at = std::bit_cast<std::uintptr_t>(address);
  while (size > 0) {
    const std::size_t from = at % 8, length = std::min<std::size_t>(8 - from, size);
    const auto bytes = static_cast<std::uint8_t>(((1u << length) - 1) << from);
    look_at(granule_of(at / 8), bytes, writes, code);
    at += length;
    size -= length;
  }
}

}  // namespace model

// What GCC and Clang call. The alone-running body needs no watch, except that its accesses are remembered.
namespace {
inline void announced(const void* address, std::size_t size, bool writes, const void* code) noexcept {
  if (!model::e.in_program) return;
  model::inside_engine guard;
  model::plain_access(address, size, writes, code);
}
}  // namespace

#define WEFT_ACCESS(name, bytes, writes) \
  void name(void* address) { announced(address, bytes, writes, __builtin_return_address(0)); }
#define WEFT_ACCESSES(bytes)                                  \
  WEFT_ACCESS(__tsan_read##bytes, bytes, false)               \
  WEFT_ACCESS(__tsan_write##bytes, bytes, true)               \
  WEFT_ACCESS(__tsan_unaligned_read##bytes, bytes, false)     \
  WEFT_ACCESS(__tsan_unaligned_write##bytes, bytes, true)     \
  WEFT_ACCESS(__tsan_volatile_read##bytes, bytes, false)      \
  WEFT_ACCESS(__tsan_volatile_write##bytes, bytes, true)      \
  WEFT_ACCESS(__tsan_read##bytes##_pc, bytes, false)          \
  WEFT_ACCESS(__tsan_write##bytes##_pc, bytes, true)

extern "C" {
WEFT_ACCESSES(1)
WEFT_ACCESSES(2)
WEFT_ACCESSES(4)
WEFT_ACCESSES(8)
WEFT_ACCESSES(16)
void __tsan_read_range(void* address, unsigned long size) { announced(address, size, false, __builtin_return_address(0)); }
void __tsan_write_range(void* address, unsigned long size) { announced(address, size, true, __builtin_return_address(0)); }
WEFT_ACCESS(__tsan_vptr_read, 8, false)
void __tsan_vptr_update(void** address, void* value) {
  if (*address != value) announced(address, 8, true, __builtin_return_address(0));
}
// Atomics that are none of weft's: the reference counts of the standard library, and the guards of local statics.
unsigned __tsan_atomic32_fetch_add(volatile unsigned* word, unsigned delta, int) {
  return __atomic_fetch_add(word, delta, 5);
}
unsigned __tsan_atomic32_fetch_sub(volatile unsigned* word, unsigned delta, int) {
  return __atomic_fetch_sub(word, delta, 5);
}
unsigned char __tsan_atomic8_load(const volatile unsigned char* guard, int) { return __atomic_load_n(guard, 5); }
void* __tsan_memset(void* to, int value, unsigned long size) {  // Clang calls these for inlined copies
  announced(to, size, true, __builtin_return_address(0));
  return __builtin_memset(to, value, size);
}
void* __tsan_memcpy(void* to, const void* from, unsigned long size) {
  announced(from, size, false, __builtin_return_address(0));
  announced(to, size, true, __builtin_return_address(0));
  return __builtin_memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, unsigned long size) {
  announced(from, size, false, __builtin_return_address(0));
  announced(to, size, true, __builtin_return_address(0));
  return __builtin_memmove(to, from, size);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
}

using model::allocate, model::release;

void* operator new(std::size_t size) { return allocate(size, 16); }
void* operator new(std::size_t size, std::align_val_t to) { return allocate(size, static_cast<std::size_t>(to)); }
void* operator new[](std::size_t size) { return allocate(size, 16); }
void* operator new[](std::size_t size, std::align_val_t to) { return allocate(size, static_cast<std::size_t>(to)); }

#define WEFT_DELETE(...) \
  void operator delete(void* block __VA_OPT__(, ) __VA_ARGS__) noexcept { release(block, __builtin_return_address(0)); } \
  void operator delete[](void* block __VA_OPT__(, ) __VA_ARGS__) noexcept { release(block, __builtin_return_address(0)); }
WEFT_DELETE()
WEFT_DELETE(std::size_t)
WEFT_DELETE(std::align_val_t)
WEFT_DELETE(std::size_t, std::align_val_t)
