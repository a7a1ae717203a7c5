// Child processes: start, wait, signal. Failures are negative errno values; errno itself stays as it was.
#pragma once

#include <sys/types.h>

namespace weft::os {

struct child_plan {
  const char* program = nullptr;          // looked up in PATH unless it contains a slash
  char* const* arguments = nullptr;       // argv, ends with null
  char* const* environment = nullptr;     // null: that of this process
  const char* directory = nullptr;        // null: that of this process
  int streams[3] = {0, 1, 2};             // what becomes 0, 1 and 2 of the child; they stay open here. -1: /dev/null
  bool own_group = false;                 // it leads a process group of its own
};

// Blocks the calling thread until the child has become its program, or could not: then the error is that of exec. The
// child inherits the three streams and no other descriptor. It blocks no signal, and SIGPIPE does what it does by default;
// other signals that this process ignores stay ignored, as everywhere in Unix.
[[nodiscard]] [[gnu::noinline]] pid_t start_child(const child_plan& plan) noexcept;

// A descriptor that becomes readable when the child ends. REQUIRES: nobody has waited for it. -ENOSYS before Linux 5.3.
[[nodiscard]] [[gnu::noinline]] int open_pidfd(pid_t child) noexcept;

struct child_end {
  int failed = 0;        // 0, or an errno value: ECHILD when somebody else has taken it; EAGAIN: it runs
  bool by_signal = false;
  bool dumped_core = false;
  int number = 0;        // exit code, or signal
};
// Takes the child's end, once: no zombie is left. Does not block.
[[nodiscard]] [[gnu::noinline]] child_end take_child(pid_t child) noexcept;
// Blocks the thread until the child has ended, and leaves its end to be taken.
[[gnu::noinline]] void await_child(pid_t child) noexcept;

// To the child, or to the group that it leads. REQUIRES: its end has not been taken.
[[nodiscard]] [[gnu::noinline]] int signal_child(pid_t child, bool to_group, int signal) noexcept;

}  // namespace weft::os
