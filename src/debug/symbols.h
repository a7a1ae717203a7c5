// From addresses to functions, files and lines.
//
//   symboliser names(whose::self());
//   for (const source_frame& f : names.frames(pc, is_return_address)) ...   // innermost first
//
// Of this process, of another live one, or of a core file. Debug information is looked for where elfutils looks: in the
// file itself and under /usr/lib/debug; never on the network. It allocates, reads files, and takes up to 1 MiB of stack: it
// is for ordinary threads, not for goroutines and signal handlers. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft::debug {

struct source_frame {
  std::string function;         // readable; empty: not known
  std::string file;             // empty: not known
  int line = 0;
  std::uint64_t offset = 0;     // from the start of the function, or of the file where no function is known
  bool is_inlined = false;      // into the next one
};

// Whose addresses.
struct whose {
  pid_t pid = 0;                // 0: this process
  std::string core, executable; // not empty: a core file and the program it comes from
  static whose self() { return {}; }
  static whose process(pid_t pid) { return {pid, {}, {}}; }
  static whose core_file(std::string core, std::string executable) { return {0, std::move(core), std::move(executable)}; }
};

class symboliser {
 public:
  explicit symboliser(whose whom);
  ~symboliser();
  symboliser(const symboliser&) = delete;
  symboliser& operator=(const symboliser&) = delete;

  // Never empty. What was asked once is remembered. A return address is looked up by the call before it.
  const std::vector<source_frame>& frames(std::uint64_t pc, bool is_return_address);

  // False: names of functions are all there is, and of few: libdw is missing.
  [[nodiscard]] bool has_lines() const noexcept;

 private:
  struct library;
  std::vector<source_frame> look_up(std::uint64_t pc, std::uint64_t place) const;

  whose whom_;
  std::unique_ptr<library> library_;
  std::unordered_map<std::uint64_t, std::vector<source_frame>> known_;
};

std::string demangled(const char* symbol);

}  // namespace weft::debug
