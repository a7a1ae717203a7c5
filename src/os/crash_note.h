// A last line on stderr when the process dies by a signal: abort(), a failed assertion, an access to no memory.
#pragma once

#include <string_view>

namespace weft::os {

// While one lives, its text is printed when the process gets SIGABRT, SIGSEGV, SIGBUS, SIGFPE or SIGILL; then what was
// installed before for the signal takes its course. Several may live, in several threads; up to eight are printed.
class crash_note {
 public:
  crash_note() noexcept;
  ~crash_note();
  crash_note(const crash_note&) = delete;
  crash_note& operator=(const crash_note&) = delete;

  void set(std::string_view text) noexcept;  // one line, cut at 240 bytes

 private:
  int slot_;  // -1: too many
};

}  // namespace weft::os
