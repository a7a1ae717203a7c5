#include <weft/os/pipe.h>

#include "os/descriptor.h"
#include "os/stream.h"
#include "poll/descriptor.h"
#include "process/failure.h"

namespace weft::os {
pipe_end::~pipe_end() {
  if (descriptor_) descriptor_->forget();
}

void pipe_end::close() {
  if (descriptor_) descriptor_->close();
}

void pipe_end::set_deadline(clock::time_point when) {
  if (!descriptor_) return;
  const std::int64_t when_ns = when.time_since_epoch().count();  // time_point::max() is poll::readiness::never
  descriptor_->set_deadline(poll::direction::read, when_ns);
  descriptor_->set_deadline(poll::direction::write, when_ns);
}

int pipe_end::native_handle() const {
  int open_fd = -1;
  if (descriptor_) descriptor_->with_fd([&](int fd) { open_fd = fd; });
  return open_fd;
}

io::kernel_end pipe_end::kernel_end() const noexcept {
  return {.polled = descriptor_, .is = io::kernel_end::kind::pipe, .describe = [](const void*) { return std::string("pipe"); }};
}

result<poll::descriptor*> pipe_end::adopt_descriptor(int fd) {
  // The poller first: what it refuses is left as it was.
  int failed = 0;
  poll::descriptor* const d = poll::open(fd, failed);
  const std::string name = "descriptor " + std::to_string(fd);
  if (!d) return failure(failed, "adopt", name);
  if ((failed = set_nonblocking(fd)) == 0) return d;
  d->disown();  // it stays the caller's
  d->forget();
  return failure(failed, "adopt", name);
}

result<pipe_reader> pipe_reader::adopt(int fd) {
  auto d = adopt_descriptor(fd);
  if (!d) return fail(d);
  return pipe_reader(*d);
}

result<pipe_writer> pipe_writer::adopt(int fd) {
  auto d = adopt_descriptor(fd);
  if (!d) return fail(d);
  return pipe_writer(*d);
}

result<std::size_t> pipe_reader::read_core(const context* ctx, std::span<std::byte> into) {
  if (!descriptor_) return failure(EBADF, "read", "pipe");
  if (into.empty()) return 0;
  const poll::attempt got = descriptor_->perform(poll::direction::read, {.ctx = ctx}, [&](int fd) {
    return poll::attempt_of(read_stream(fd, into.data(), into.size()));
  });
  if (got.error) return failure(got.error, "read", "pipe");
  return static_cast<std::size_t>(got.count);
}

result<std::size_t> pipe_writer::write_core(const context* ctx, std::span<const std::byte> from) {
  if (!descriptor_) return failure(EBADF, "write", "pipe");
  std::span<const std::byte> rest = from;
  const poll::attempt sent = descriptor_->perform(poll::direction::write, {.ctx = ctx}, [&](int fd) {
    while (!rest.empty()) {
      const poll::attempt one = poll::attempt_of(write_stream(fd, rest.data(), rest.size()));
      if (one.error) return one;
      rest = rest.subspan(static_cast<std::size_t>(one.count));
    }
    return poll::attempt{};
  });
  if (sent.error) return failure(sent.error, "write", "pipe");
  return from.size();
}

result<pipe> open_pipe() {
  int fds[2];
  if (const int failed = make_blocking_pipe(fds)) return failure(failed, "pipe");
  auto reader = pipe_reader::adopt(fds[0]);
  if (!reader) close_descriptor(fds[0]);
  auto writer = pipe_writer::adopt(fds[1]);
  if (!writer) close_descriptor(fds[1]);
  if (!reader) return fail(reader, "pipe");
  if (!writer) return fail(writer, "pipe");
  return pipe{std::move(*reader), std::move(*writer)};
}

}  // namespace weft::os
