// Memory read by way of the kernel: of another process, or of this one where it may be unmapped or written meanwhile.
//
// Nothing is stopped and nothing is written. What is read while somebody writes it is old or new word by word.
#pragma once

#include <cstddef>
#include <span>

#include <sys/types.h>
#include <sys/uio.h>

namespace weft::os {

// As process_vm_readv: `from` are addresses in process `pid`, whose contents go into `into` one after the other. Returns
// the bytes read, which stop short before the first piece that is not readable, or a negative errno value: -ESRCH no such
// process, -EPERM not allowed to (ptrace(2), "ptrace access mode checking"), -EFAULT not even the first piece.
[[gnu::noinline]] ssize_t read_process_memory(pid_t pid, std::span<const iovec> into, std::span<const iovec> from) noexcept;

// This process's own memory, which may not be there. False: it is not, or the kernel refuses.
[[nodiscard]] [[gnu::noinline]] bool peek(const void* from, void* into, std::size_t bytes) noexcept;

// Every process of the same user may read this one's memory and attach to it, whatever Yama says.
[[gnu::noinline]] void let_others_inspect() noexcept;

}  // namespace weft::os
