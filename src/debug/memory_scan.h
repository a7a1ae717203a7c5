// All words of this process's writable memory, but for the stacks of goroutines, those on which workers handle signals, and
// our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace weft::debug {

// Stacks have words between variables that AddressSanitizer lets nobody read.
#if defined(__clang__)
#define WEFT_READS_ANYTHING [[clang::no_sanitize("address")]]
#else
#define WEFT_READS_ANYTHING [[gnu::no_sanitize_address]]
#endif

template <class F>
WEFT_READS_ANYTHING void for_each_word(const std::byte* from, const std::byte* to, F&& visit) {
  for (; from + sizeof(std::uintptr_t) <= to; from += sizeof(std::uintptr_t)) {
    std::uintptr_t word;
    std::memcpy(&word, from, sizeof word);
    visit(word);
  }
}

// visit(argument, from, to): a copy of some piece of it. What is unmapped meanwhile is passed over, and what is below a stack
// pointer of a plain thread. False: the list of mappings could not be read.
bool copy_writable_memory(std::span<const std::uint64_t> stack_pointers,
                          void (*visit)(void* argument, const std::byte* from, const std::byte* to), void* argument);

template <class F>
bool scan_writable_memory(std::span<const std::uint64_t> stack_pointers, F&& visit) {
  return copy_writable_memory(
      stack_pointers,
      [](void* argument, const std::byte* from, const std::byte* to) {
        for_each_word(from, to, *static_cast<std::remove_reference_t<F>*>(argument));
      },
      static_cast<void*>(&visit));
}

}  // namespace weft::debug
