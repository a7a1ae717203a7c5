// What the page cache has is read at once. What it has not, and what is to reach the device, goes through io_uring: the
// goroutine is parked. The rest is declared blocking: writes, which are copies into the page cache and rarely wait (a short call gives
// its processor back and takes it again by two loads and two stores when nobody has asked for it), calls of plain threads,
// regular files that cannot say whether they would wait (those of /proc), and all that there is no request for.
#include <weft/os/file.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include <weft/runtime.h>

#include "base/settings.h"
#include "os/descriptor.h"
#include "os/stream.h"
#include "poll/file_requests.h"
#include "process/failure.h"

namespace weft::os {
namespace {

constexpr std::size_t most_at_once = 0x7ffff000;  // what Linux moves in one call

using operation = file_ring::operation;

bool always_on_ring() noexcept { return base::settings().debug_files == "uring"; }

// `directly` does the same by a call that may block.
template <class Call>
ssize_t on_ring(const operation& op, Call&& directly) {
  const auto result = poll::on_file_ring(op);
  if (result && *result != -EINTR && *result != -EAGAIN) return *result;  // those: the ring could not do it
  return blocking(directly);
}

ssize_t read_some(int fd, std::span<std::byte> into, std::int64_t at) {
  const auto directly = [&] {
    return at < 0 ? read_stream(fd, into.data(), into.size()) : os::read_at(fd, into.data(), into.size(), at);
  };
  const operation op{operation::kind::read, fd, into.data(), into.size(), at};
  if (always_on_ring()) return on_ring(op, directly);
  const ssize_t got = read_now(fd, into.data(), into.size(), at);
  if (got == -EAGAIN) return on_ring(op, directly);
  if (got != -EOPNOTSUPP && got != -EINVAL && got != -ENOSYS) return got;
  return is_always_ready(fd) ? blocking(directly) : on_ring(op, directly);
}

ssize_t write_some(int fd, std::span<const std::byte> from, std::int64_t at) {
  const auto directly = [&] {
    return at < 0 ? write_stream(fd, from.data(), from.size()) : os::write_at(fd, from.data(), from.size(), at);
  };
  if (!always_on_ring()) return blocking(directly);
  return on_ring({operation::kind::write, fd, const_cast<std::byte*>(from.data()), from.size(), at}, directly);
}

// 0, or what went wrong.
ssize_t write_all(int fd, std::span<const std::byte> from, std::int64_t at) {
  if (fd < 0) return -EBADF;
  while (!from.empty()) {
    const ssize_t sent = write_some(fd, from, at);
    if (sent < 0) return sent;
    from = from.subspan(static_cast<std::size_t>(sent));
    if (at >= 0) at += sent;
  }
  return 0;
}

int flags_of(const open_options& o) noexcept {
  const bool writes = o.write || o.append;
  int flags = writes ? (o.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (o.append) flags |= O_APPEND;
  if (o.create) flags |= O_CREAT;
  if (o.exclusive) flags |= O_EXCL;
  if (o.truncate) flags |= O_TRUNC;
  return flags;
}

}  // namespace

std::unexpected<error> file::failure(std::int64_t negative_errno, const char* op) const {
  return os::failure(negative_errno, op, path_);
}

io::kernel_end file::kernel_end() const noexcept {
  return {.fd = fd_, .is = io::kernel_end::kind::file, .stream = this,
          .describe = [](const void* self) { return static_cast<const file*>(self)->path_; }};
}

result<file> open(std::string path, open_options options) {
  // A path that ends before its end would open another file.
  if (path.find('\0') != path.npos) return failure(EINVAL, "open", path);
  const int fd = blocking([&] { return open_file(path.c_str(), flags_of(options), options.mode); });
  if (fd < 0) return failure(fd, "open", std::move(path));
  return file::adopt(fd, std::move(path));
}

result<file> create(std::string path) {
  return open(std::move(path), {.write = true, .create = true, .truncate = true});
}

file file::adopt(int fd, std::string name) {
  file adopted;
  adopted.fd_ = fd;
  adopted.path_ = std::move(name);
  return adopted;
}

result<std::size_t> file::read(std::span<std::byte> into) {
  const ssize_t got = read_some(fd_, into, -1);
  if (got < 0) return failure(got, "read");
  return static_cast<std::size_t>(got);
}

result<std::size_t> file::write(std::span<const std::byte> from) {
  if (const ssize_t failed = write_all(fd_, from, -1)) return failure(failed, "write");
  return from.size();
}

result<std::size_t> file::read_at(std::uint64_t at, std::span<std::byte> into) const {
  std::size_t filled = 0;
  do {
    const auto part = into.subspan(filled, std::min(into.size() - filled, most_at_once));
    const ssize_t got = read_some(fd_, part, static_cast<std::int64_t>(at + filled));
    if (got < 0) return failure(got, "read_at");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  } while (filled < into.size());
  return filled;
}

result<std::size_t> file::write_at(std::uint64_t at, std::span<const std::byte> from) {
  if (const ssize_t failed = write_all(fd_, from, static_cast<std::int64_t>(at))) return failure(failed, "write_at");
  return from.size();
}

result<std::uint64_t> file::seek(std::int64_t offset, seek_from origin) {
  constexpr int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  const std::int64_t at = seek_file(fd_, offset, whence[static_cast<int>(origin)]);  // never waits
  if (at < 0) return failure(at, "seek");
  return static_cast<std::uint64_t>(at);
}

result<std::uint64_t> file::size() const {
  const std::int64_t bytes = blocking([&] { return file_size(fd_); });
  if (bytes < 0) return failure(bytes, "size");
  return static_cast<std::uint64_t>(bytes);
}

result<void> file::resize(std::uint64_t bytes) {
  const int failed = blocking([&] { return resize_file(fd_, static_cast<std::int64_t>(bytes)); });
  if (failed) return failure(failed, "resize");
  return {};
}

result<void> file::sync() {
  const ssize_t failed = on_ring({operation::kind::sync, fd_}, [&]() -> ssize_t { return sync_file(fd_); });
  if (failed) return failure(failed, "sync");
  return {};
}

result<void> file::close() {
  const int fd = std::exchange(fd_, -1);
  const int failed = fd < 0 ? -EBADF : blocking([&] { return close_file(fd); });
  if (failed) return failure(failed, "close");
  return {};
}

void file::close_quietly() noexcept {
  if (fd_ >= 0) blocking([&] { close_descriptor(fd_); });
}

}  // namespace weft::os
