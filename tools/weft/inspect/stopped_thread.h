// A thread of another process, stopped for as long as this lives.
#pragma once

#include <sys/types.h>

#include <optional>

#include "arch/unwind_registers.h"

namespace weft::tool {

class stopped_thread {
 public:
  explicit stopped_thread(pid_t thread);  // bounded: a thread that does not stop within 50 ms is left alone
  ~stopped_thread();
  stopped_thread(const stopped_thread&) = delete;
  stopped_thread& operator=(const stopped_thread&) = delete;

  [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_; }
  [[nodiscard]] int error() const noexcept { return error_; }  // why not: an errno value
  [[nodiscard]] std::optional<arch::registers> registers() const noexcept;

 private:
  pid_t thread_;
  bool is_stopped_ = false;
  int error_ = 0;
};

}  // namespace weft::tool
