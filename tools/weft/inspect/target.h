// What `weft ps` and `weft stack` look at: the memory of a live process or of one that left a core file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "arch/unwind_registers.h"
#include "debug/symbols.h"

namespace weft::tool {

// Why the looking ended, with what to do about it: one or two lines for the user.
struct inspection_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A piece of memory to read. `is_read` says whether it was there.
struct piece {
  std::uint64_t at = 0;
  void* into = nullptr;
  std::size_t bytes = 0;
  bool is_read = false;
};

struct mapped_file {
  std::uint64_t start = 0, end = 0;
  std::uint64_t offset = 0;  // in the file
  std::string path;
};

// A thread and what it uses of its stack, both of one moment.
struct thread_look {
  arch::registers registers;     // of a thread that is blocked in the kernel: stack pointer and program counter alone
  std::vector<std::byte> stack;  // from the stack pointer up
  std::string problem;           // not empty: why there is nothing
};

class target {
 public:
  virtual ~target() = default;

  // Reads what it can. Throws when the process has ended or may not be looked at.
  virtual void read(std::span<piece> pieces) = 0;
  [[nodiscard]] virtual const std::vector<mapped_file>& files() const = 0;
  // CLOCK_MONOTONIC of the moment that the memory shows; nothing: not known.
  [[nodiscard]] virtual std::optional<std::int64_t> now_ns() const = 0;
  // What thread `id` does, with its stack up to `top`.
  virtual thread_look look_at_thread(int id, std::uint64_t top) = 0;
  [[nodiscard]] virtual debug::whose whose_addresses() const = 0;  // for the symboliser
  [[nodiscard]] virtual std::string title() const = 0;             // "process 4711 (server)"

  bool read(std::uint64_t at, void* into, std::size_t bytes) {
    piece one{at, into, bytes};
    read({&one, 1});
    return one.is_read;
  }
  template <class T>
  std::optional<T> value(std::uint64_t at) {
    T result;
    return read(at, &result, sizeof result) ? std::optional<T>(result) : std::nullopt;
  }
  // Up to a NUL or `most` bytes; empty when nothing is there.
  std::string text(std::uint64_t at, std::size_t most = 128);
  // [low, high) of a stack, or as much of it from `low` on as is worth walking; empty when it cannot be read.
  std::vector<std::byte> stack(std::uint64_t low, std::uint64_t high);
};

// `who`: a process id, or the path of a core file. Throws inspection_error.
std::unique_ptr<target> open_target(const std::string& who);
std::unique_ptr<target> open_process(int pid);
std::unique_ptr<target> open_core(const std::string& path);

}  // namespace weft::tool
