// What can be asked of any file descriptor. Failures come back as errno values, 0 is success; errno itself stays.
#pragma once

namespace weft::os {

[[gnu::noinline]] void close_descriptor(int fd) noexcept;  // whatever the kernel says, it is closed afterwards
[[nodiscard]] [[gnu::noinline]] int set_nonblocking(int fd) noexcept;
[[nodiscard]] [[gnu::noinline]] bool is_always_ready(int fd) noexcept;  // a regular file or a folder
[[gnu::noinline]] void remove_file(const char* path) noexcept;

}  // namespace weft::os
