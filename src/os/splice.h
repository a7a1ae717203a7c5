// Moving bytes between descriptors inside the kernel. A negative errno value, or a count; 0: the source has ended.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace weft::os {

// From a file, at its own offset. Never a SIGPIPE.
[[nodiscard]] [[gnu::noinline]] ssize_t send_file(int to_socket, int from_file, std::size_t most) noexcept;

// One of the two is a pipe. Does not block on sockets and pipes. Never a SIGPIPE.
[[nodiscard]] [[gnu::noinline]] ssize_t splice(int to, int from, std::size_t most) noexcept;

// A non-blocking pipe of a megabyte, or as large as we may have it: [0] to read from. 0, or a negative errno value.
[[nodiscard]] [[gnu::noinline]] int make_splice_pipe(int (&fds)[2]) noexcept;

}  // namespace weft::os
