#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <weft/os.h>
#include <weft/weft.h>

#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"

namespace {

using namespace std::chrono_literals;
namespace os = weft::os;
using testing::HasSubstr;
using testing::Not;

os::command shell(std::string script) { return os::command("/bin/sh", {"-c", std::move(script)}); }

class os_command : public support::everywhere {
 protected:
  // No zombie, whatever the test did. Those that were let go are taken by a goroutine a moment later.
  void TearDown() override {
    EXPECT_TRUE(support::eventually([] { return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) < 0; }))
        << "a child was left behind";
  }
};
WEFT_EVERYWHERE(os_command);

TEST_P(os_command, output_is_what_it_wrote_and_input_what_it_read) {
  here([] {
    EXPECT_EQ(os::command("sort", {"-n"}).input("10\n9\n").output().value_or("?"), "9\n10\n");
    // Both pipes full at the same time.
    const std::string much(1 << 20, 'm');
    EXPECT_TRUE(os::command("cat").input(much).output().value_or("?") == much);
    EXPECT_EQ(shell("echo out; echo err >&2; echo end").combined_output().value_or("?"), "out\nerr\nend\n");
    EXPECT_EQ(os::command("true").input(much).output().value_or("?"), "") << "it need not read what it is given";
  });
}

TEST_P(os_command, the_end_is_a_value_for_wait_and_an_error_for_output) {
  here([] {
    auto failing = shell("exit 3").run();
    ASSERT_TRUE(failing) << failing.error();
    EXPECT_FALSE(failing->success());
    EXPECT_EQ(failing->code(), 3);
    EXPECT_EQ(failing->to_string(), "exit status 3");
    auto killed = shell("kill -TERM $$").run();
    ASSERT_TRUE(killed);
    EXPECT_EQ(killed->signal(), SIGTERM);
    EXPECT_EQ(killed->code(), std::nullopt);
    EXPECT_EQ(killed->to_string(), "killed by SIGTERM");
    auto output = shell("exit 3").output();
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().message(), "run /bin/sh: exit status 3");
  });
}

TEST_P(os_command, what_exec_says_is_the_error_of_start) {
  here([] {
    auto missing = os::command("no-such-program-anywhere").start();
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(missing.error().message(), HasSubstr("start no-such-program-anywhere: "));
    EXPECT_EQ(os::command("/proc/self/cmdline").start().error(), std::errc::permission_denied);
    auto nowhere = os::command("true").directory("/no/such/place").start();
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error().message(), HasSubstr("true in /no/such/place"));
    EXPECT_FALSE(os::command("echo", {std::string("a\0b", 3)}).start());
  });
}

TEST_P(os_command, pipes_park_and_several_may_wait) {
  here([this] {
    os::command cat("cat");
    cat.in(os::stdio::pipe()).out(os::stdio::pipe());
    ASSERT_TRUE(cat.start());
    auto peers = crew();
    for (int i = 0; i < 3; ++i) peers.start([&] { EXPECT_TRUE(cat.wait()->success()); });
    weft::io::buffered_reader lines(cat.out_pipe());
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(cat.in_pipe().write("line " + std::to_string(i) + "\n"));
      EXPECT_EQ(lines.read_line().value_or("?"), "line " + std::to_string(i));
    }
    cat.in_pipe().close();
    peers.join();
    EXPECT_TRUE(cat.wait()->success()) << "any number of times";
    EXPECT_EQ(cat.signal(SIGTERM).error(), std::errc::no_such_process);
  });
}

TEST_P(os_command, a_cancelled_context_kills_it) {
  here([] {
    os::command sleeper("sleep", {"1000"});
    ASSERT_TRUE(sleeper.start());
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    auto end = sleeper.wait(ctx);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error(), std::errc::timed_out);
    EXPECT_THAT(end.error().message(), HasSubstr("wait sleep: "));
    EXPECT_EQ(sleeper.wait()->signal(), SIGKILL);

    auto output = shell("echo begun; sleep 1000 & wait").own_group().output(ctx);
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error(), std::errc::timed_out);
  });
}

TEST_P(os_command, own_group_kills_grandchildren_too) {
  here([] {
    auto family = shell("sleep 1000 & echo $!; wait");
    family.own_group().out(os::stdio::pipe());
    ASSERT_TRUE(family.start());
    weft::io::buffered_reader lines(family.out_pipe());
    const pid_t grandchild = std::atoi(lines.read_line().value_or("0").c_str());
    ASSERT_GT(grandchild, 0);
    EXPECT_TRUE(family.kill());
    EXPECT_EQ(family.wait()->signal(), SIGKILL);
    // Its end of the pipe is closed when it has gone.
    EXPECT_EQ(lines.read_line().error(), weft::io::make_error_code(weft::io::errc::end_of_stream));
  });
}

TEST_P(os_command, one_that_is_let_go_runs_on_and_leaves_no_zombie) {
  here([] {
    auto out = os::open_pipe();
    ASSERT_TRUE(out);
    {
      auto brief = shell("read line; echo $line");
      brief.in(os::stdio::pipe()).out(os::stdio::to(out->writer.native_handle()));
      ASSERT_TRUE(brief.start());
      ASSERT_TRUE(brief.in_pipe().write("still there\n"));
    }
    out->writer.close();
    EXPECT_EQ(weft::io::read_all(out->reader).value_or("?"), "still there\n");
  });
}

TEST(os_command_settings, environment_and_directory) {
  ::setenv("WEFT_COMMAND_TEST", "old", 1);
  EXPECT_EQ(shell("echo $WEFT_COMMAND_TEST $ADDED").env("WEFT_COMMAND_TEST", "new").env("ADDED", "2").output().value_or("?"),
            "new 2\n");
  EXPECT_EQ(shell("echo $WEFT_COMMAND_TEST").output().value_or("?"), "old\n");
  EXPECT_EQ(os::command("/usr/bin/env").clear_env().env("ONLY", "this").output().value_or("?"), "ONLY=this\n");
  EXPECT_EQ(os::command("pwd").directory("/proc").output().value_or("?"), "/proc\n");
}

TEST(os_command_settings, streams_to_files_and_to_nowhere) {
  std::string path = (std::filesystem::temp_directory_path() / "weft_command_XXXXXX").string();
  os::file f = os::file::adopt(::mkstemp(path.data()), path);
  EXPECT_TRUE(shell("echo out; echo err >&2").out(os::stdio::to(f)).err(os::stdio::with_out()).run()->success());
  EXPECT_TRUE(shell("cat; echo gone").in(os::stdio::null()).out(os::stdio::null()).run()->success());
  // Exchanged: neither may be overwritten before the other is in place.
  EXPECT_TRUE(shell("echo x >&2; echo y").out(os::stdio::to(2)).err(os::stdio::to(f)).run()->success());
  EXPECT_TRUE(f.seek(0));
  EXPECT_EQ(weft::io::read_all(f).value_or("?"), "out\nerr\nx\n");
  ::unlink(path.c_str());
}

TEST(os_command_settings, the_child_gets_three_descriptors_and_a_clean_slate_of_signals) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // not closed on exec
  ASSERT_GT(leaky, 2);
  // The one beyond 2 is that of the directory that is listed.
  EXPECT_EQ(os::command("/bin/ls", {"/proc/self/fd"}).output().value_or("?"), "0\n1\n2\n3\n");
  ::close(leaky);
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto status = os::command("grep", {"-E", "^Sig(Blk|Ign)", "/proc/self/status"}).output();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(status.value_or("?"), HasSubstr("SigBlk:\t0000000000000000"));
}

TEST(os_command_settings, the_order_broken_is_misuse) {
  os::command c("true");
  EXPECT_THROW((void)c.wait(), weft::misuse);
  EXPECT_THROW((void)c.pid(), weft::misuse);
  EXPECT_THROW(c.env("A=B", "c"), weft::misuse);
  EXPECT_THROW(c.in(os::stdio::with_out()), weft::misuse);
  ASSERT_TRUE(c.start());
  EXPECT_THROW((void)c.start(), weft::misuse);
  EXPECT_THROW(c.directory("/"), weft::misuse);
  EXPECT_THROW((void)c.out_pipe(), weft::misuse);
  EXPECT_TRUE(c.wait()->success());
  os::command moved = std::move(c);
  EXPECT_THROW(c.directory("/"), weft::misuse);
}

// The kernel refuses pidfds, as before Linux 5.3.
bool refuse_pidfds() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{4, steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

WEFT_CHILD(commands_without_pidfd) {
  if (!refuse_pidfds()) return 77;
  return weft::run([] {
    if (os::command("sort").input("b\na\n").output().value_or("?") != "a\nb\n") return 1;
    os::command sleeper("sleep", {"1000"});
    if (!sleeper.start()) return 2;
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    auto end = sleeper.wait(ctx);
    if (end || end.error() != std::errc::timed_out) return 3;
    return sleeper.wait()->signal() == SIGKILL ? 0 : 4;
  });
}

TEST(os_command_settings, works_where_there_are_no_pidfds) {
  const auto child = support::run_child("commands_without_pidfd");
  if (child.exit_status == 77) GTEST_SKIP() << "no seccomp filters here";
  EXPECT_EQ(child.exit_status, 0) << child;
}

}  // namespace
