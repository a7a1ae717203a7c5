// Each call is a declared blocking call, and a short one costs no more than it must: the processor is given back and taken
// again by two loads and two stores when nobody has asked for it. Reads that the page cache can serve do not wait at all.
#include <weft/os/file.h>

#include <fcntl.h>

#include <weft/runtime.h>

#include "os/descriptor.h"
#include "os/stream.h"
#include "process/failure.h"

namespace weft::os {
namespace {

constexpr std::size_t most_at_once = 0x7ffff000;  // what Linux moves in one call

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
  const ssize_t got = blocking([&] { return read_stream(fd_, into.data(), into.size()); });
  if (got < 0) return failure(got, "read");
  return static_cast<std::size_t>(got);
}

result<std::size_t> file::write(std::span<const std::byte> from) {
  const ssize_t failed = blocking([&]() -> ssize_t {
    for (auto rest = from; !rest.empty();) {
      const ssize_t sent = write_stream(fd_, rest.data(), rest.size());
      if (sent < 0) return sent;
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    return fd_ < 0 ? -EBADF : 0;
  });
  if (failed) return failure(failed, "write");
  return from.size();
}

result<std::size_t> file::read_at(std::uint64_t at, std::span<std::byte> into) const {
  std::size_t filled = 0;
  const ssize_t end = blocking([&]() -> ssize_t {
    while (true) {
      const std::size_t part = std::min(into.size() - filled, most_at_once);
      const ssize_t got = os::read_at(fd_, into.data() + filled, part, static_cast<std::int64_t>(at + filled));
      if (got <= 0) return got;
      filled += static_cast<std::size_t>(got);
      if (filled == into.size()) return 0;
    }
  });
  if (end < 0) return failure(end, "read_at");
  return filled;
}

result<std::size_t> file::write_at(std::uint64_t at, std::span<const std::byte> from) {
  const ssize_t failed = blocking([&]() -> ssize_t {
    for (std::size_t done = 0; done < from.size();) {
      const ssize_t sent = os::write_at(fd_, from.data() + done, from.size() - done, static_cast<std::int64_t>(at + done));
      if (sent < 0) return sent;
      done += static_cast<std::size_t>(sent);
    }
    return fd_ < 0 ? -EBADF : 0;
  });
  if (failed) return failure(failed, "write_at");
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
  const int failed = blocking([&] { return sync_file(fd_); });
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
