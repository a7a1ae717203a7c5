// copy() between two descriptors of the kernel's.
//
//   file → socket              sendfile
//   socket → socket, or file   read and write while what comes is small; as soon as a buffer is filled at once, splice
//                              through a pipe
//   with pipes                 like sockets
//   file → file, or pipe       left to copy(): file::read() knows how to wait for a disk without a thread
//
// Files that cannot be spliced (those that are appended to, terminals, /proc) are read and written.
//
// Splicing costs two system calls more per piece than it saves in copying when pieces are small: a proxy of a chatty
// protocol would lose. So it begins with the first read that fills a buffer of 64 KiB.
//
// What is in the pipe has left the source: an error of the sink loses it, as it would lose what was in a buffer.
#include <weft/io.h>

#include <algorithm>
#include <memory>
#include <optional>

#include <weft/runtime.h>

#include "os/descriptor.h"
#include "os/socket.h"
#include "os/splice.h"
#include "os/stream.h"
#include "poll/descriptor.h"

namespace weft::io {
namespace {

using poll::attempt;
using poll::direction;

constexpr std::size_t buffer_size = 64 * 1024;
constexpr std::size_t largest_step = 1024 * 1024;

std::unexpected<error> failed_with(int error_number, const char* op, const kernel_end& end) {
  const std::error_code code(error_number, std::generic_category());
  return end.describe ? fail(error(code, op, end.describe(end.stream))) : fail(code, op);
}

// Blocks the goroutine for a socket or pipe, and declares the call for a file.
template <class Act>
attempt perform(const kernel_end& end, direction d, Act act) {
  if (end.polled) return end.polled->perform(d, {}, act);
  if (end.fd < 0) return {-1, EBADF};
  return blocking([&] { return act(end.fd); });
}

attempt read_end(const kernel_end& from, std::span<std::byte> into) {
  return perform(from, direction::read, [&](int fd) {
    const bool is_socket = from.is == kernel_end::kind::socket;
    attempt one = poll::attempt_of(is_socket ? os::receive(fd, into.data(), into.size())
                                             : os::read_stream(fd, into.data(), into.size()));
    one.is_short = from.is_exact && one.count > 0 && static_cast<std::size_t>(one.count) < into.size();
    return one;
  });
}

attempt write_end(const kernel_end& to, std::span<const std::byte> from) {
  return perform(to, direction::write, [&](int fd) {
    while (true) {
      const bool is_socket = to.is == kernel_end::kind::socket;
      const attempt one = poll::attempt_of(is_socket ? os::send(fd, from.data(), from.size())
                                                     : os::write_stream(fd, from.data(), from.size()));
      if (one.error) return one;
      from = from.subspan(static_cast<std::size_t>(one.count));
      if (from.empty()) return one;
    }
  });
}

// What the kernel says of descriptors that it moves nothing between; then nothing was moved.
bool cannot(const attempt& moved) noexcept { return moved.error == EINVAL || moved.error == ENOSYS; }

// Bytes on their way between two ends that cannot be spliced directly.
class pipe_between {
 public:
  pipe_between() noexcept {
    if (os::make_splice_pipe(fds_) != 0) fds_[0] = fds_[1] = -1;  // out of descriptors: then without
  }
  ~pipe_between() {
    for (const int fd : fds_)
      if (fd >= 0) os::close_descriptor(fd);
  }
  pipe_between(const pipe_between&) = delete;
  pipe_between& operator=(const pipe_between&) = delete;
  [[nodiscard]] bool exists() const noexcept { return fds_[0] >= 0; }

  // The pipe is empty: what does not come now is not there.
  attempt fill(const kernel_end& from) {
    return perform(from, direction::read, [&](int fd) { return poll::attempt_of(os::splice(fds_[1], fd, largest_step)); });
  }
  attempt drain(const kernel_end& to, std::size_t left) {
    return perform(to, direction::write, [&](int fd) {
      while (true) {
        const attempt one = poll::attempt_of(os::splice(fd, fds_[0], left));
        if (one.error) return one;
        left -= static_cast<std::size_t>(one.count);
        if (left == 0) return one;
      }
    });
  }
  // What is in the pipe, for an end that it cannot be spliced to.
  attempt copy_out(const kernel_end& to, std::size_t left, std::span<std::byte> buffer) {
    attempt one;
    while (left > 0 && one.error == 0) {
      const auto part = buffer.first(std::min(left, buffer.size()));
      one = poll::attempt_of(os::read_stream(fds_[0], part.data(), part.size()));
      if (one.error) break;
      const auto size = static_cast<std::size_t>(one.count);
      left -= size;
      one = write_end(to, part.first(size));
    }
    return one;
  }

 private:
  int fds_[2];
};

using outcome = result<std::uint64_t>;

// Goes on from `total` to the end. Nothing: these two cannot be spliced; `total` says what was moved nevertheless.
std::optional<outcome> splice_all(const kernel_end& to, const kernel_end& from, std::uint64_t& total,
                                  std::span<std::byte> buffer) {
  pipe_between pipe;
  if (!pipe.exists()) return std::nullopt;
  for (bool is_first = true;; is_first = false) {
    const attempt in = pipe.fill(from);
    if (is_first && cannot(in)) return std::nullopt;
    if (in.error) return failed_with(in.error, "read", from);
    if (in.count == 0) return total;
    attempt out = pipe.drain(to, static_cast<std::size_t>(in.count));
    const bool sink_cannot = is_first && cannot(out);
    if (sink_cannot) out = pipe.copy_out(to, static_cast<std::size_t>(in.count), buffer);
    if (out.error) return failed_with(out.error, "write", to);
    total += static_cast<std::uint64_t>(in.count);
    if (sink_cannot) return std::nullopt;
  }
}

std::optional<outcome> send_file_all(const kernel_end& to, const kernel_end& from) {
  std::uint64_t total = 0;
  for (bool is_first = true;; is_first = false) {
    const attempt sent = perform(to, direction::write, [&](int fd) {
      return poll::attempt_of(blocking([&] { return os::send_file(fd, from.fd, largest_step); }));  // it reads the disk
    });
    if (is_first && cannot(sent)) return std::nullopt;
    if (sent.error) return failed_with(sent.error, "write", to);
    if (sent.count == 0) return total;
    total += static_cast<std::uint64_t>(sent.count);
  }
}

}  // namespace

std::optional<result<std::uint64_t>> kernel_copy(const kernel_end& to, const kernel_end& from) {
  if (from.is == kernel_end::kind::file)
    return to.is == kernel_end::kind::socket && from.fd >= 0 ? send_file_all(to, from) : std::nullopt;
  std::uint64_t total = 0;
  bool may_splice = true;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
  while (true) {
    const attempt got = read_end(from, std::span(buffer.get(), buffer_size));
    if (got.error) return failed_with(got.error, "read", from);
    if (got.count == 0) return total;
    const auto size = static_cast<std::size_t>(got.count);
    const attempt sent = write_end(to, std::span<const std::byte>(buffer.get(), size));
    if (sent.error) return failed_with(sent.error, "write", to);
    total += size;
    if (!may_splice || size < buffer_size) continue;
    if (auto done = splice_all(to, from, total, std::span(buffer.get(), buffer_size))) return *done;
    may_splice = false;
  }
}

}  // namespace weft::io
