// What a command owns from start() on.
//
//   C1  The kernel's child is taken once, under `lock`, and `status` set with it. Signals are sent under `lock` while it
//       has not been taken: a process id that was taken may already be somebody else's.
//   C2  Several may wait. They take turns at the pidfd; who finds the status set goes away with it.
#pragma once

#include <memory>
#include <optional>

#include <sys/types.h>

#include <weft/mutex.h>
#include <weft/os/command.h>

namespace weft::poll {
class descriptor;
}

namespace weft::os {

// Our ends of the pipes that were asked for.
struct command::process_streams {
  result<int> connect(int stream);  // makes one; returns the child's end
  pipe_writer in;
  pipe_reader out, err;
};

struct command::process : std::enable_shared_from_this<process> {
  process(pid_t child, bool leads_group, process_streams ends) noexcept;
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process();

  int take();                   // 0: `status` is set; EAGAIN: it runs; else the error of wait
  int wait(const context* ctx); // the same without EAGAIN; what the context says, if that comes first
  int send(int signal);         // 0 or an errno value

  const pid_t pid;
  const bool own_group;
  process_streams streams;

  mutex lock;
  std::optional<exit_status> status;  // guarded by lock; set once

 private:
  int wait_on_thread(const context* ctx);
  bool is_lost_ = false;              // guarded by lock: the program waits for all its children, or ignores SIGCHLD
  poll::descriptor* end_ = nullptr;   // the pidfd; null where there is none
};

}  // namespace weft::os
