// fork and exec, signal handlers, stacks that are not the goroutine's, and libraries that are loaded later.
#include <dlfcn.h>
#include <poll.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

#include <weft/os.h>

#include "hook/plain.h"
#include "support/child.h"

namespace {

using namespace hook_test;

// The child has one thread and no runtime: its calls are libc's, and its parent's descriptors stay watched.
TEST(hook_processes, a_forked_child_blocks_as_ever_and_disturbs_nobody) {
  weft::run([] {
    socket_pair ours, theirs;
    support::crew peers;
    support::start_parked(peers, [&] {
      char byte;
      EXPECT_EQ(::read(ours.fds[0], &byte, 1), 1);
      EXPECT_EQ(byte, 'p');
    });
    const pid_t child = ::fork();
    if (child == 0) {
      ours.close_one(0);
      ours.close_one(1);
      char byte = 0;
      const bool got = ::read(theirs.fds[0], &byte, 1) == 1;  // has to wait
      ::usleep(1000);
      ::_exit(got && byte == 'c' ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    ::usleep(5000);  // the child is to be in its call; it makes no difference to the result
    EXPECT_EQ(::write(theirs.fds[1], "c", 1), 1);
    int status = -1;
    EXPECT_EQ(weft::blocking([&] { return ::waitpid(child, &status, 0); }), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(::write(ours.fds[1], "p", 1), 1);
    peers.join();
  });
}

TEST(hook_processes, a_vforked_child_that_closes_wakes_nobody_here) {
  weft::run([] {
    socket_pair s;
    support::crew peers;
    std::atomic<bool> is_over{false};
    support::start_parked(peers, [&] {
      char byte;
      EXPECT_EQ(::read(s.fds[0], &byte, 1), 1);
      is_over = true;
    });
    const pid_t child = ::vfork();
    if (child == 0) {
      ::close(s.fds[0]);
      ::_exit(0);
    }
    weft::blocking([&] { ::waitpid(child, nullptr, 0); });
    support::let_others_run();
    EXPECT_FALSE(is_over);
    EXPECT_EQ(::write(s.fds[1], "x", 1), 1);
    peers.join();
  });
}

TEST(hook_processes, commands_work_beside_it) {
  EXPECT_EQ(weft::os::command("cat").input("through\n").output().value_or("?"), "through\n");
  weft::run([] {
    EXPECT_EQ(weft::os::command("cat").input("through\n").output().value_or("?"), "through\n");
    std::FILE* stream = ::popen("echo piped", "r");
    char line[16] = {};
    EXPECT_NE(std::fgets(line, sizeof line, stream), nullptr);
    EXPECT_STREQ(line, "piped\n");
    EXPECT_EQ(::pclose(stream), 0);
  });
}

// On the stack of a signal handler a call blocks its thread, if it must wait; nothing is parked from there.
TEST(hook_processes, a_signal_handler_may_write) {
  static pipe_pair* bell;
  pipe_pair p;
  bell = &p;
  struct sigaction act = {}, before = {};
  act.sa_handler = [](int) {
    const int kept = errno;
    [[maybe_unused]] auto sent = ::write(bell->fds[1], "s", 1);
    errno = kept;
  };
  act.sa_flags = SA_ONSTACK | SA_RESTART;
  ::sigaction(SIGUSR1, &act, &before);
  weft::run([&] {
    for (int i = 0; i < 100; ++i) {
      ::raise(SIGUSR1);
      char byte = 0;
      EXPECT_EQ(::read(p.fds[0], &byte, 1), 1);
      EXPECT_EQ(byte, 's');
    }
  });
  ::sigaction(SIGUSR1, &before, nullptr);
}

// Libraries bind to our functions also when they are loaded later: they look in the program first.
TEST(hook_processes, libraries_loaded_later_find_the_same_functions) {
  for (const char* name :
       {"read",         "write",          "readv",         "writev",       "recv",         "recvfrom",      "recvmsg",
        "recvmmsg",     "send",           "sendto",        "sendmsg",      "sendmmsg",     "connect",       "accept",
        "accept4",      "poll",           "ppoll",         "select",       "pselect",      "epoll_wait",    "epoll_pwait",
        "epoll_pwait2", "nanosleep",      "usleep",        "sleep",        "getaddrinfo",  "close",         "dup2",
        "dup3",         "close_range",    "closefrom",     "__read_chk",   "__recv_chk",   "__recvfrom_chk", "__poll_chk",
        "__ppoll_chk",  "clock_nanosleep", "__read",       "__write",      "__send",       "__connect",     "__poll",
        "__select",     "__nanosleep",    "__close",       "__dup2"}) {
    Dl_info info{};
    void* const found = ::dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(found, nullptr) << name;
    ASSERT_NE(::dladdr(found, &info), 0) << name;
    EXPECT_EQ(std::string(info.dli_fname).find("libc.so"), std::string::npos) << name << " in " << info.dli_fname;
  }
}

}  // namespace

// What a compiler calls where it knows the size of the buffer (_FORTIFY_SOURCE).
extern "C" {
ssize_t __read_chk(int fd, void* into, size_t size, size_t room);
ssize_t __recv_chk(int fd, void* into, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void* into, size_t size, size_t room, int flags, sockaddr* from, socklen_t* from_size);
int __poll_chk(pollfd* fds, nfds_t count, int timeout_ms, size_t room);
int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* time, const sigset_t* mask, size_t room);
}

namespace {

TEST(hook_processes, checked_variants_park_too) {
  weft::run([] {
    socket_pair s;
    char bytes[4];
    pollfd one{s.fds[0], POLLIN, 0};
    const auto waits = [&](auto call) {
      {
        support::crew peers;
        support::start_parked(peers, [&] { EXPECT_EQ(call(), 1); });
        EXPECT_EQ(::send(s.fds[1], "x", 1, 0), 1);
      }
      while (::recv(s.fds[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
    };
    waits([&] { return __read_chk(s.fds[0], bytes, 4, sizeof bytes); });
    waits([&] { return __recv_chk(s.fds[0], bytes, 4, sizeof bytes, 0); });
    waits([&] { return __recvfrom_chk(s.fds[0], bytes, 4, sizeof bytes, 0, nullptr, nullptr); });
    waits([&] { return __poll_chk(&one, 1, -1, sizeof one); });
    waits([&] { return __ppoll_chk(&one, 1, nullptr, nullptr, sizeof one); });
  });
}

WEFT_CHILD(reads_more_than_there_is_room_for) {
  return weft::run([] {
    char bytes[4];
    return static_cast<int>(__read_chk(0, bytes, 5, sizeof bytes));
  });
}

TEST(hook_processes, checked_variants_end_a_program_that_reads_more_than_it_has_room_for) {
  const auto child = support::run_child("reads_more_than_there_is_room_for");
  EXPECT_EQ(child.signal, SIGABRT) << child;
  EXPECT_THAT(child.err, support::mentions("buffer overflow detected"));
}

}  // namespace
