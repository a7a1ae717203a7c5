#include <weft/net/stream.h>

#include <vector>

#include "net/failure.h"
#include "os/socket.h"
#include "poll/descriptor.h"

namespace weft::net {

using poll::attempt;
using poll::direction;

stream::stream(detail::handle adopted, address peer, bool is_exact)
    : socket(std::move(adopted)), is_exact_(is_exact), remote_(std::move(peer)) {
  if (poll::descriptor* const d = descriptor()) d->go_rounds();
}

result<std::size_t> stream::read_core(const context* ctx, std::span<std::byte> into) {
  poll::descriptor* const d = descriptor();
  if (!d) [[unlikely]] return failure(EBADF, "read", remote_);
  if (into.empty()) return 0;
  const attempt got = d->perform(direction::read, {.ctx = ctx}, [&](int fd) {
    attempt one = poll::attempt_of(os::receive(fd, into.data(), into.size()));
    one.is_short = is_exact_ && one.count > 0 && static_cast<std::size_t>(one.count) < into.size();
    return one;
  });
  if (got.error) [[unlikely]] return failure(got.error, "read", remote_);
  return static_cast<std::size_t>(got.count);
}

result<std::size_t> stream::write_core(const context* ctx, std::span<const std::byte> from) {
  poll::descriptor* const d = descriptor();
  if (!d) [[unlikely]] return failure(EBADF, "write", remote_);
  std::span<const std::byte> rest = from;
  const attempt sent = d->perform(direction::write, {.ctx = ctx}, [&](int fd) {
    while (true) {
      const attempt one = poll::attempt_of(os::send(fd, rest.data(), rest.size()));
      if (one.error) return one;
      rest = rest.subspan(static_cast<std::size_t>(one.count));
      if (rest.empty()) return one;
    }
  });
  if (sent.error) [[unlikely]] return failure(sent.error, "write", remote_);
  return from.size();
}

namespace {

// What remains of several pieces, as the kernel wants it.
class remainder {
 public:
  explicit remainder(stream::pieces from) {
    for (const auto& piece : from)
      if (!piece.empty()) vectors_.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
  }
  [[nodiscard]] bool empty() const { return first_ == vectors_.size(); }
  [[nodiscard]] std::span<const iovec> next() const {
    constexpr std::size_t most = 1024;  // IOV_MAX
    const std::span<const iovec> all(vectors_);
    return all.subspan(first_, std::min(most, all.size() - first_));
  }
  void drop(std::size_t bytes) {
    while (bytes > 0) {
      iovec& piece = vectors_[first_];
      const std::size_t part = std::min(bytes, piece.iov_len);
      piece.iov_base = static_cast<std::byte*>(piece.iov_base) + part;
      piece.iov_len -= part;
      bytes -= part;
      if (piece.iov_len == 0) ++first_;
    }
  }

 private:
  std::vector<iovec> vectors_;
  std::size_t first_ = 0;
};

}  // namespace

result<std::size_t> stream::writev_core(const context* ctx, pieces from) {
  poll::descriptor* const d = descriptor();
  if (!d) return failure(EBADF, "writev", remote_);
  std::size_t total = 0;
  for (const auto& piece : from) total += piece.size();
  remainder rest(from);
  const attempt sent = d->perform(direction::write, {.ctx = ctx}, [&](int fd) {
    attempt one;
    while (!rest.empty()) {
      one = poll::attempt_of(os::send_vector(fd, rest.next().data(), rest.next().size()));
      if (one.error) break;
      rest.drop(static_cast<std::size_t>(one.count));
    }
    return one;
  });
  if (sent.error) return failure(sent.error, "writev", remote_);
  return total;
}

result<std::size_t> stream::writev(std::initializer_list<std::string_view> from) {
  std::vector<std::span<const std::byte>> spans;
  for (const std::string_view text : from) spans.push_back(std::as_bytes(std::span(text)));
  return writev(spans);
}

result<void> stream::shutdown_write() {
  int failed = -ECANCELED;
  if (poll::descriptor* d = descriptor()) d->with_fd([&](int fd) { failed = os::shutdown_socket(fd, SHUT_WR); });
  if (failed) return failure(-failed, "shutdown_write", remote_);
  return {};
}

io::kernel_end stream::kernel_end() const noexcept {
  return {.polled = descriptor(), .fd = -1, .is = io::kernel_end::kind::socket, .is_exact = is_exact_, .stream = this,
          .describe = [](const void* self) { return static_cast<const stream*>(self)->remote_.to_string(); }};
}

}  // namespace weft::net
