// The system calls of files and pipes, as the layers above want them: closed on exec, never a SIGPIPE, never an EINTR.
//
// What can fail returns a negative errno value, and otherwise a descriptor, a count, a position, or 0. errno itself stays
// as it was.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/types.h>

namespace weft::os {

// A pipe: fds[0] is read, fds[1] written. Calls on them block. Neither is 0, 1 or 2, also in a process that has closed
// those: what a child gets can be put into place without one stepping on another.
[[nodiscard]] [[gnu::noinline]] int make_blocking_pipe(int (&fds)[2]) noexcept;

[[nodiscard]] [[gnu::noinline]] ssize_t read_stream(int fd, void* into, std::size_t size) noexcept;
// Where nobody reads any more: -EPIPE, and no signal.
[[nodiscard]] [[gnu::noinline]] ssize_t write_stream(int fd, const void* from, std::size_t size) noexcept;

// What is there without waiting for a disk or a writer: else -EAGAIN, or -EOPNOTSUPP where that cannot be asked. `at` of -1:
// at the file's own position.
[[nodiscard]] [[gnu::noinline]] ssize_t read_now(int fd, void* into, std::size_t size, std::int64_t at) noexcept;

// These may block the thread.
[[nodiscard]] [[gnu::noinline]] int open_file(const char* path, int flags, mode_t mode) noexcept;
[[nodiscard]] [[gnu::noinline]] ssize_t read_at(int fd, void* into, std::size_t size, std::int64_t at) noexcept;
[[nodiscard]] [[gnu::noinline]] ssize_t write_at(int fd, const void* from, std::size_t size, std::int64_t at) noexcept;
[[nodiscard]] [[gnu::noinline]] std::int64_t seek_file(int fd, std::int64_t offset, int whence) noexcept;
[[nodiscard]] [[gnu::noinline]] std::int64_t file_size(int fd) noexcept;
[[nodiscard]] [[gnu::noinline]] int resize_file(int fd, std::int64_t size) noexcept;
[[nodiscard]] [[gnu::noinline]] int sync_file(int fd) noexcept;
// As close_descriptor(), with what the kernel has to say: a file system may report only here that data was lost.
[[nodiscard]] [[gnu::noinline]] int close_file(int fd) noexcept;

}  // namespace weft::os
