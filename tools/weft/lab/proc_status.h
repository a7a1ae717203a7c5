// What /proc/PID/status says about a process's memory and threads.
#pragma once

#include <sys/types.h>

namespace weft::lab {

struct proc_status {
  double reserved_bytes = 0;  // address space
  double resident_bytes = 0;  // pages in memory
  double peak_resident_bytes = 0;
  double page_table_bytes = 0;
  long threads = 0;

  double memory_bytes() const { return resident_bytes + page_table_bytes; }
};

// All zero when the process is gone. pid 0: this process.
proc_status read_proc_status(pid_t pid = 0);

}  // namespace weft::lab
