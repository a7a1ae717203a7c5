// read, write, readv, writev on sockets, pipes and files; and what plain threads see.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hook/plain.h"

namespace {

using namespace hook_test;

class hook_streams : public support::everywhere {};
WEFT_EVERYWHERE(hook_streams);

TEST_P(hook_streams, a_read_waits_for_its_data) {
  here([this] {
    for (int kind = 0; kind < 2; ++kind) {
      pipe_pair a_pipe;
      socket_pair a_socket;
      const int* fds = kind ? a_pipe.fds : a_socket.fds;
      auto peers = crew();
      std::atomic<int> got{0};
      peers.start([&] {
        char bytes[8];
        for (int i = 0; i < 100; ++i) got += static_cast<int>(::read(fds[0], bytes, sizeof bytes));
      });
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(::write(fds[1], "abc", 3), 3);
        ASSERT_TRUE(support::eventually([&] { return got == 3 * (i + 1); }));
      }
    }
  });
}

TEST_P(hook_streams, a_write_returns_when_all_of_it_has_gone) {
  here([this] {
    for (int kind = 0; kind < 2; ++kind) {
      pipe_pair a_pipe;
      socket_pair a_socket;
      int* fds = kind ? a_pipe.fds : a_socket.fds;
      const std::string text(3'000'000, 'w');
      char* const bytes = const_cast<char*>(text.data());
      iovec halves[] = {{bytes, 1'000'001}, {bytes + 1'000'001, 1'999'999}};
      auto peers = crew();
      peers.start([&] {
        EXPECT_EQ(::write(fds[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
        EXPECT_EQ(::writev(fds[1], halves, 2), static_cast<ssize_t>(text.size()));
        ::close(std::exchange(fds[1], -1));
      });
      std::size_t total = 0;
      char a[1000], b[3000];
      iovec both[] = {{a, sizeof a}, {b, sizeof b}};
      for (ssize_t got; (got = ::readv(fds[0], both, 2)) > 0;) total += static_cast<std::size_t>(got);
      EXPECT_EQ(total, 2 * text.size());
    }
  });
}

TEST(hook_streams_park, reads_and_writes_hold_no_thread) {
  support::procs_scope one(1);
  weft::run([] {
    constexpr int many = 40;
    std::vector<pipe_pair> pipes(many);
    std::vector<socket_pair> sockets(many), full(many);
    const std::string much(1 << 20, 'x');
    const auto wait = [&](int i) {
      char byte;
      const auto n = static_cast<std::size_t>(i / 3);
      if (i % 3 == 2) {
        EXPECT_EQ(::write(full[n].fds[0], much.data(), much.size()), static_cast<ssize_t>(much.size()));
        return;
      }
      EXPECT_EQ(::read(i % 3 ? sockets[n].fds[0] : pipes[n].fds[0], &byte, 1), 1);
    };
    expect_parked(3 * many, wait, [&] {
      for (std::size_t i = 0; i < many; ++i) {
        EXPECT_EQ(::write(pipes[i].fds[1], "x", 1), 1);
        EXPECT_EQ(::write(sockets[i].fds[1], "x", 1), 1);
        std::string all(much.size(), 0);
        EXPECT_EQ(::recv(full[i].fds[1], all.data(), all.size(), MSG_WAITALL), static_cast<ssize_t>(all.size()));
      }
    });
  });
}

TEST_P(hook_streams, non_blocking_descriptors_keep_their_meaning) {
  here([] {
    pipe_pair p;
    socket_pair s;
    for (const int fd : {p.fds[0], s.fds[0]}) {
      ASSERT_EQ(::fcntl(fd, F_SETFL, O_NONBLOCK), 0);
      char byte;
      errno = 0;
      EXPECT_EQ(::read(fd, &byte, 1), -1);
      EXPECT_EQ(errno_here(), EAGAIN);
    }
    ASSERT_EQ(::fcntl(s.fds[1], F_SETFL, O_NONBLOCK), 0);
    const std::string much(1 << 22, 'x');
    const ssize_t sent = ::write(s.fds[1], much.data(), much.size());
    EXPECT_GT(sent, 0);
    EXPECT_LT(sent, static_cast<ssize_t>(much.size()));
    EXPECT_EQ(::write(s.fds[1], "x", 1), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
  });
}

TEST_P(hook_streams, flags_stay_as_the_program_set_them) {
  here([] {
    pipe_pair p;
    socket_pair s;
    support::crew peers;
    for (const int fd : {p.fds[0], s.fds[0]}) {
      support::start_parked(peers, [fd] {
        char byte;
        EXPECT_EQ(::read(fd, &byte, 1), 1);
      });
    }
    for (const int fd : {p.fds[0], s.fds[0]}) EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << "while a call waits";
    for (const int fd : {p.fds[1], s.fds[1]}) EXPECT_EQ(::write(fd, "x", 1), 1);
  });
}

TEST_P(hook_streams, files_and_event_descriptors_work_as_ever) {
  here([] {
    std::string path = (std::filesystem::temp_directory_path() / "weft_hook_XXXXXX").string();
    const int file = ::mkstemp(path.data());
    ::unlink(path.c_str());
    EXPECT_EQ(::write(file, "hello", 5), 5);
    iovec one{const_cast<char*>(" you"), 4};
    EXPECT_EQ(::writev(file, &one, 1), 4);
    EXPECT_EQ(::lseek(file, 0, SEEK_SET), 0);
    char text[16] = {};
    EXPECT_EQ(::read(file, text, 3), 3);
    EXPECT_EQ(::read(file, text + 3, 13), 6);
    EXPECT_STREQ(text, "hello you");
    EXPECT_EQ(::read(file, text, 1), 0);
    ::close(file);
    const int events = ::eventfd(0, EFD_CLOEXEC);
    std::uint64_t count = 7;
    EXPECT_EQ(::write(events, &count, sizeof count), 8);
    EXPECT_EQ(::read(events, &count, sizeof count), 8);
    EXPECT_EQ(count, 7U);
    ::close(events);
  });
}

TEST_P(hook_streams, errors_are_libcs_with_errno_on_the_right_thread) {
  here([this] {
    char byte;
    errno = 0;
    EXPECT_EQ(::read(-1, &byte, 1), -1);
    EXPECT_EQ(errno_here(), EBADF);
    pipe_pair p;
    EXPECT_EQ(::read(p.fds[1], &byte, 1), -1);
    EXPECT_EQ(errno_here(), EBADF);
    EXPECT_EQ(::write(p.fds[0], &byte, 1), -1);
    EXPECT_EQ(errno_here(), EBADF);
    const std::vector<iovec> too_many(5000, iovec{&byte, 1});
    EXPECT_EQ(::readv(p.fds[0], too_many.data(), 5000), -1);
    EXPECT_EQ(errno_here(), EINVAL);
    EXPECT_EQ(::read(::open("/", O_RDONLY | O_CLOEXEC), &byte, 1), -1);
    EXPECT_EQ(errno_here(), EISDIR);
    // An error after a wait, when the goroutine may be on another thread than before.
    for (int i = 0; i < 20; ++i) {
      int fds[2];
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      ASSERT_EQ(::write(fds[0], "x", 1), 1);
      auto peers = crew();
      peers.start([&] {
        // Closed with bytes unread: the peer is reset.
        ::close(fds[1]);
      });
      char into;
      ssize_t got;
      while ((got = ::recv(fds[0], &into, 1, 0)) > 0) {
      }
      EXPECT_TRUE(got == 0 || errno_here() == ECONNRESET) << errno_here();
      peers.join();
      ::close(fds[0]);
    }
  });
}

// Set and read through functions, so that it is the errno of whatever thread the goroutine is on.
[[gnu::noinline]] void set_errno_here(int value) { errno = value; }

TEST_P(hook_streams, a_call_that_succeeds_leaves_errno_as_it_was_wherever_it_returns) {
  here([this] {
    socket_pair s;
    pipe_pair p;
    auto peers = crew();
    for (int who = 0; who < 4; ++who)
      peers.start([&, who] {
        for (int i = 0; i < 50; ++i) {
          char byte = 'x';
          set_errno_here(1000 + who);
          const int* fds = who < 2 ? s.fds : p.fds;
          EXPECT_EQ(who % 2 ? ::write(fds[1], &byte, 1) : ::read(fds[0], &byte, 1), 1);
          EXPECT_EQ(errno_here(), 1000 + who);
          if (who % 2) ::usleep(200);
          EXPECT_EQ(errno_here(), 1000 + who);
        }
      });
  });
}

TEST_P(hook_streams, close_and_dup2_wake_a_waiting_call_with_ebadf) {
  if (GetParam().partners != support::kind::goroutine) GTEST_SKIP() << "a thread stays in its call, as libc has it";
  here([this] {
    for (int how = 0; how < 2; ++how) {
      socket_pair s, other;
      auto peers = crew();
      support::start_parked(peers, [&, fd = s.fds[0]] {
        char byte;
        EXPECT_EQ(::read(fd, &byte, 1), -1);
        EXPECT_EQ(errno_here(), EBADF);
      });
      if (how == 0) s.close_one(0);
      else EXPECT_EQ(::dup2(other.fds[0], s.fds[0]), s.fds[0]);
      peers.join();
      if (how == 1) {  // the number is another socket now, and works
        support::start_parked(peers, [&] {
          char byte;
          EXPECT_EQ(::read(s.fds[0], &byte, 1), 1);
        });
        EXPECT_EQ(::write(other.fds[1], "x", 1), 1);
      }
    }
  });
}

// fclose() closes inside libc, where no hook sees it; the next descriptor gets the same number.
TEST_P(hook_streams, a_number_closed_behind_our_back_is_found_out) {
  here([] {
    for (int round = 0; round < 20; ++round) {
      socket_pair s;
      const int number = s.fds[0];
      for (int life = 0; life < 2; ++life) {
        support::crew peers;
        support::start_parked(peers, [&] {
          char byte;
          EXPECT_EQ(::read(number, &byte, 1), 1);
        });
        EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
        peers.join();
        if (life == 1) break;
        std::FILE* stream = ::fdopen(s.fds[0], "r");
        ASSERT_NE(stream, nullptr);
        std::fclose(stream);
        s.fds[0] = -1;
        s.close_one(1);
        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        s.fds[0] = fds[0];
        s.fds[1] = fds[1];
        if (fds[0] != number) break;  // somebody else was faster
      }
    }
  });
}

TEST_P(hook_streams, sigpipe_comes_as_ever) {
  here([] {
    static std::atomic<int> signals{0};
    const auto before = std::signal(SIGPIPE, [](int) { ++signals; });
    signals = 0;
    pipe_pair p;
    p.close_one(0);
    EXPECT_EQ(::write(p.fds[1], "x", 1), -1);
    EXPECT_EQ(errno_here(), EPIPE);
    socket_pair s;
    s.close_one(0);
    EXPECT_EQ(::write(s.fds[1], "x", 1), -1);
    EXPECT_EQ(errno_here(), EPIPE);
    EXPECT_EQ(::send(s.fds[1], "x", 1, MSG_NOSIGNAL), -1);
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_EQ(signals, 2) << "blocked here: " << sigismember(&blocked, SIGPIPE);
    std::signal(SIGPIPE, before);
  });
}

}  // namespace
