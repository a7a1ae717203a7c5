#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <weft/os.h>
#include <weft/weft.h>

#include "support/everywhere.h"
#include "support/parked.h"

namespace {

using namespace std::chrono_literals;
namespace os = weft::os;
using testing::HasSubstr;

class os_pipe : public support::everywhere {};
WEFT_EVERYWHERE(os_pipe);

os::pipe new_pipe() {
  auto p = os::open_pipe();
  EXPECT_TRUE(p) << p.error();
  return std::move(*p);
}

TEST_P(os_pipe, carries_more_than_it_holds_and_ends_with_its_writer) {
  here([this] {
    os::pipe p = new_pipe();
    std::string sent(300'000, 'x');
    for (std::size_t i = 0; i < sent.size(); i += 7) sent[i] = static_cast<char>('a' + i % 26);
    auto peers = crew();
    peers.start([&] {
      EXPECT_EQ(p.writer.write(sent).value_or(0), sent.size());
      p.writer.close();
    });
    const auto got = weft::io::read_all(p.reader);
    ASSERT_TRUE(got) << got.error();
    EXPECT_TRUE(*got == sent);
  });
}

TEST_P(os_pipe, close_wakes_a_blocked_reader_and_a_blocked_writer) {
  here([this] {
    os::pipe empty = new_pipe(), full = new_pipe();
    auto peers = crew();
    support::start_parked(peers, [&] {
      char byte;
      const auto got = empty.reader.read(std::span(&byte, 1));
      EXPECT_TRUE(!got && got.error() == std::errc::operation_canceled);
    });
    support::start_parked(peers, [&] {
      const auto sent = full.writer.write(std::string(1 << 20, 'x'));
      EXPECT_TRUE(!sent && sent.error() == std::errc::operation_canceled);
    });
    empty.reader.close();
    full.writer.close();
  });
}

TEST_P(os_pipe, a_deadline_and_a_context_end_a_read_and_the_next_one_reads_on) {
  here([] {
    os::pipe p = new_pipe();
    char byte = 0;
    p.reader.set_deadline(weft::clock::now() + 3ms);
    const auto late = p.reader.read(std::span(&byte, 1));
    EXPECT_TRUE(!late && late.error() == std::errc::timed_out);
    p.reader.set_deadline(weft::clock::time_point::max());
    auto ctx = weft::with_timeout(weft::background(), 3ms);
    const auto given_up = p.reader.read(ctx, std::span(&byte, 1));
    EXPECT_TRUE(!given_up && given_up.error() == std::errc::timed_out);
    ASSERT_TRUE(p.writer.write("z"));
    EXPECT_EQ(p.reader.read(std::span(&byte, 1)).value_or(0), 1U);
    EXPECT_EQ(byte, 'z');
  });
}

TEST_P(os_pipe, a_write_that_nobody_reads_is_an_error_and_no_signal) {
  here([] {
    os::pipe p = new_pipe();
    p.reader.close();
    const auto sent = p.writer.write("x");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error(), std::errc::broken_pipe);
    EXPECT_THAT(sent.error().message(), HasSubstr("write pipe: "));
    // Nor is one left for later, when the program unblocks it.
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGPIPE));
  });
}

TEST(os_pipe, moved_from_and_closed_ends_answer_with_errors) {
  os::pipe p = new_pipe();
  os::pipe_reader taken = std::move(p.reader);
  char byte;
  EXPECT_FALSE(static_cast<bool>(p.reader));
  const auto moved = p.reader.read(std::span(&byte, 1));
  EXPECT_TRUE(!moved && moved.error() == std::errc::bad_file_descriptor);
  taken.close();
  const auto closed = taken.read(std::span(&byte, 1));
  EXPECT_TRUE(!closed && closed.error() == std::errc::operation_canceled);
  EXPECT_EQ(taken.native_handle(), -1);
}

TEST(os_pipe, adopts_what_can_be_watched_and_refuses_what_cannot) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  auto reader = os::pipe_reader::adopt(fds[0]);
  ASSERT_TRUE(reader) << reader.error();
  EXPECT_EQ(::write(fds[1], "ab", 2), 2);
  char bytes[4];
  EXPECT_EQ(reader->read(std::span(bytes)).value_or(0), 2U);
  ::close(fds[1]);

  const int regular = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  auto refused = os::pipe_reader::adopt(regular);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::operation_not_permitted);
  EXPECT_EQ(refused.error().message(), "adopt descriptor " + std::to_string(regular) + ": Operation not permitted");
  EXPECT_EQ(::fcntl(regular, F_GETFL) & O_NONBLOCK, 0) << "what is refused is left as it was";
  ::close(regular);
}

TEST(os_pipe, ends_are_not_inherited_and_never_standard_streams) {
  os::pipe p = new_pipe();
  for (const int fd : {p.reader.native_handle(), p.writer.native_handle()}) {
    EXPECT_GT(fd, 2);
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
}

}  // namespace
