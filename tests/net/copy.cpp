// io::copy where the kernel can do the moving.
#include "net/pairs.h"
#include "support/everywhere.h"

#include <fcntl.h>
#include <unistd.h>
#include <weft/os.h>

#include <chrono>
#include <numeric>

namespace {

using namespace std::chrono_literals;
using support::connected;

// A file as io::copy sees one.
struct plain_file {
  explicit plain_file(const std::string& contents) : fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
    EXPECT_EQ(::write(fd, contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    ::lseek(fd, 0, SEEK_SET);
  }
  ~plain_file() { ::close(fd); }
  weft::result<std::size_t> read(std::span<std::byte>) { return weft::fail(std::errc::not_supported, "read"); }
  weft::result<std::size_t> write(std::span<const std::byte>) { return weft::fail(std::errc::not_supported, "write"); }
  weft::io::kernel_end kernel_end() const { return {.fd = fd, .is = weft::io::kernel_end::kind::file}; }
  std::string contents() const {
    std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }
  int fd;
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::iota(text.begin(), text.end(), '\0');
  for (std::size_t i = 0; i < size; i += 4096) text[i] = static_cast<char>(i >> 12);
  return text;
}

class copying : public support::everywhere {};
WEFT_EVERYWHERE(copying);

TEST_P(copying, from_socket_to_socket_small_and_large) {
  here([this] {
    for (std::size_t size : {0u, 10u, 70'000u, 3'000'000u}) {
      auto [source, in] = connected();
      auto [out, sink] = connected();
      const std::string sent = pattern(size);
      auto peers = crew();
      peers.start([&, &source = source] {
        ASSERT_EQ(source.write(sent), size);
        ASSERT_TRUE(source.shutdown_write());
      });
      peers.start([&, &in = in, &out = out] {
        EXPECT_EQ(weft::io::copy(out, in), size);
        ASSERT_TRUE(out.shutdown_write());
      });
      const auto got = weft::io::read_all(sink);
      peers.join();
      ASSERT_TRUE(got);
      EXPECT_TRUE(*got == sent) << size;
    }
  });
}

TEST_P(copying, from_a_file_to_a_socket_and_back) {
  here([this] {
    for (std::size_t size : {0u, 10u, 3'000'000u}) {
      plain_file original(pattern(size)), arrived("");
      auto [client, server] = connected();
      auto peers = crew();
      peers.start([&, &client = client] {
        EXPECT_EQ(weft::io::copy(client, original), size);
        ASSERT_TRUE(client.shutdown_write());
      });
      EXPECT_EQ(weft::io::copy(arrived, server), size);
      peers.join();
      EXPECT_TRUE(arrived.contents() == original.contents()) << size;
    }
  });
}

// The files and pipes that programs have; what the kernel cannot splice to, a file that is appended to, arrives all the same.
static_assert(weft::io::kernel_stream<weft::os::file> && weft::io::kernel_stream<weft::os::pipe_reader> &&
              weft::io::kernel_stream<weft::os::pipe_writer> && weft::io::kernel_stream<weft::net::tcp_conn>);

weft::os::file fresh_file(bool appends = false) {
  const int fd = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | (appends ? O_APPEND : 0), 0600);
  EXPECT_GE(fd, 0);
  return weft::os::file::adopt(fd, "a file");
}

std::string contents(const weft::os::file& file) {
  std::string text(file.size().value_or(0), '\0');
  EXPECT_EQ(file.read_at(0, std::span(text)), text.size());
  return text;
}

TEST_P(copying, between_files_sockets_and_pipes_of_weft) {
  here([this] {
    for (std::size_t size : {0u, 10u, 3'000'000u}) {
      const std::string sent = pattern(size);
      auto original = fresh_file(), arrived = fresh_file(), log = fresh_file(true);
      ASSERT_EQ(original.write(sent), size);
      ASSERT_TRUE(original.seek(0));
      ASSERT_TRUE(log.write("begin "));
      auto [client, server] = connected();
      auto first = weft::os::open_pipe(), second = weft::os::open_pipe();
      auto peers = crew();
      peers.start([&, &client = client] {  // sendfile
        EXPECT_EQ(weft::io::copy(client, original), size);
        ASSERT_TRUE(client.shutdown_write());
      });
      peers.start([&, &server = server] {
        EXPECT_EQ(weft::io::copy(first->writer, server), size);
        first->writer.close();
      });
      peers.start([&] {
        EXPECT_EQ(weft::io::copy(second->writer, first->reader), size);
        second->writer.close();
      });
      EXPECT_EQ(weft::io::copy(log, second->reader), size);
      peers.join();
      EXPECT_TRUE(contents(log) == "begin " + sent) << size;
      ASSERT_TRUE(original.seek(0));
      EXPECT_EQ(weft::io::copy(arrived, original), size);
      EXPECT_TRUE(contents(arrived) == sent) << size;
    }
  });
}

TEST(copying, a_file_that_is_no_file_is_read_and_a_closed_one_is_an_error) {
  auto [client, server] = connected();
  auto status = weft::os::open("/proc/self/status");
  const auto moved = weft::io::copy(client, *status);
  ASSERT_TRUE(moved) << moved.error().message();
  EXPECT_GT(*moved, 100u);
  ASSERT_TRUE(client.shutdown_write());
  EXPECT_EQ(weft::io::read_all(server).value_or("").substr(0, 5), "Name:");
  ASSERT_TRUE(status->close());
  EXPECT_EQ(weft::io::copy(client, *status).error().message(), "read /proc/self/status: Bad file descriptor");
  auto pipe = weft::os::open_pipe();
  ASSERT_TRUE(pipe->writer.write("lost"));
  pipe->writer.close();
  EXPECT_EQ(weft::io::copy(*status, pipe->reader).error().message(), "write /proc/self/status: Bad file descriptor");
}

TEST(copying, to_a_pipe_that_nobody_reads_is_an_error_and_no_signal) {
  auto [source, in] = connected();
  auto pipe = weft::os::open_pipe();
  pipe->reader.close();
  ASSERT_TRUE(source.write(std::string(100'000, 'x')));
  EXPECT_EQ(weft::io::copy(pipe->writer, in).error().message(), "write pipe: Broken pipe");
}

TEST(copying, an_end_that_was_closed_is_an_error_with_its_address) {
  auto [source, in] = connected();
  auto [out, sink] = connected();
  weft::wait_group copied;
  copied.go([&, &in = in, &out = out] {
    const auto moved = weft::io::copy(out, in);
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().message(), "read " + in.remote().to_string() + ": Operation canceled");
  });
  ASSERT_TRUE(source.write("on its way"));
  EXPECT_EQ(support::read_string(sink), "on its way");
  in.close();
  copied.wait();
}

TEST(copying, a_reader_that_stops_holds_the_source_back_and_a_deadline_ends_it) {
  auto [source, in] = connected();
  auto [out, sink] = connected();
  weft::wait_group peers;
  peers.go([&source = source] { EXPECT_FALSE(source.write(std::string(1 << 26, 'x'))); });
  out.set_write_deadline(weft::clock::now() + 30ms);
  const auto moved = weft::io::copy(out, in);
  EXPECT_EQ(moved.error(), std::errc::timed_out);
  source.close();
  peers.wait();
}

}  // namespace
