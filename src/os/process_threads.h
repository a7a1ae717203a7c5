// What the kernel knows of the threads of this process, and the few things we ask of it for them.
//
// None of these fails loudly: /proc may be hidden, a sandbox may refuse. All leave errno as it was.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace weft::os {

// The n-th field of a stat file in /proc as proc(5) counts them, n >= 3; empty: there is none. The second is the command in
// parentheses, and may hold anything, spaces and parentheses included; so the count starts behind the last one.
[[gnu::noinline]] std::string_view stat_field(std::string_view stat, int n) noexcept;

[[gnu::noinline]] pid_t thread_id() noexcept;  // of the calling thread; a system call: keep it

// The runtime's threads are in the process that claimed them; a child of fork() or vfork() has a copy of the memory, or the
// memory itself, and none of the threads.
[[gnu::noinline]] void claim_process() noexcept;
[[gnu::noinline]] bool owns_process() noexcept;  // one system call

// Threads alive in this process, those of other libraries included; -1: not known.
[[gnu::noinline]] int thread_count() noexcept;

// CPU time consumed by a thread of this process; -1: no such thread. One system call, no file.
[[gnu::noinline]] std::int64_t thread_cpu_ns(pid_t thread) noexcept;

// The thread's state as in /proc: 'R' running or runnable, 'S' asleep, 'D' asleep and not to be disturbed, 'T' stopped,
// 'Z' or 'X' dead; 0: no such thread, or not known.
[[gnu::noinline]] char thread_stat_state(pid_t thread) noexcept;

// Lets the kernel fire timed waits of the calling thread when they are due, instead of up to 50 µs later. Threads
// inherit it from their creator.
[[gnu::noinline]] bool set_timer_slack_1ns() noexcept;

// Lets the calling thread run where the main thread may, whatever thread created it: a worker started by a thread that is
// pinned to one CPU must not be.
[[gnu::noinline]] void adopt_process_affinity() noexcept;

// A new thread inherits the signal mask of the one that creates it, and workers are created by anybody, the monitor too,
// which lets no signal through. So whoever starts the runtime keeps his, and each worker takes that.
[[gnu::noinline]] void keep_signal_mask() noexcept;
[[gnu::noinline]] void adopt_signal_mask() noexcept;  // REQUIRES: it was kept

// Makes a thread of this process one that yields to those that wake up (SCHED_BATCH), or an ordinary one again. Leaves
// threads with a real-time or deadline policy alone. False: refused, or no such thread.
[[gnu::noinline]] bool set_batch(pid_t thread, bool is_batch) noexcept;

}  // namespace weft::os
