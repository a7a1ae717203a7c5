// fork and exec, signal handlers, stacks that are not the goroutine's, and libraries that are loaded later.
#include <dlfcn.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

#include <weft/os.h>

#include "hook/plain.h"

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
  for (const char* name : {"read", "poll", "__read_chk", "__poll_chk", "connect", "nanosleep"}) {
    Dl_info info{};
    void* const found = ::dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(found, nullptr) << name;
    ASSERT_NE(::dladdr(found, &info), 0) << name;
    EXPECT_EQ(std::string(info.dli_fname).find("libc.so"), std::string::npos) << name << " in " << info.dli_fname;
  }
}

}  // namespace
