// Ten thousand connections, each with a goroutine on either side, idle and busy; the server in a process of its own.
#include "net/pairs.h"
#include "support/child.h"
#include "support/eventually.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <thread>

namespace {

constexpr int wanted = 10'000, reserve = 200;

// Returns for how many connections there are descriptors.
int raise_the_limit() {
  rlimit files;
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto before = files.rlim_cur;
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, wanted + reserve);
  if (files.rlim_max < files.rlim_cur) files.rlim_max = files.rlim_cur;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {  // not ours to raise
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur != before)
    std::printf("limit of open files raised from %llu to %llu\n", static_cast<unsigned long long>(before),
                static_cast<unsigned long long>(files.rlim_cur));
  return std::min(wanted, static_cast<int>(files.rlim_cur) - reserve);
}

long resident_bytes() {
  long pages = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * ::sysconf(_SC_PAGESIZE);
}

// Says on the control connection at which port it listens; answers each line there with what it is like.
WEFT_CHILD(echo_server) {
  raise_the_limit();
  return weft::run([] {
    auto control = weft::net::dial_unix(std::getenv("WEFT_TEST_CONTROL"));
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    if (!control || !listener || !control->write(std::to_string(listener->local().port()))) return 1;
    const long resident = resident_bytes();
    const int sockets = support::open_sockets();
    weft::wait_group acceptor;
    acceptor.go([&] {
      while (auto conn = listener->accept())
        weft::go([conn = std::move(*conn)]() mutable {
          std::array<char, 256> buffer;
          while (auto got = conn.read(buffer))
            if (*got == 0 || !conn.write(std::string_view(buffer.data(), *got))) return;
        });
    });
    std::array<char, 16> question;
    while (auto asked = control->read(question)) {
      if (*asked == 0) break;
      const std::string answer = std::to_string(weft::goroutines()) + " " + std::to_string(resident_bytes() - resident) + " " +
                                 std::to_string(support::open_sockets() - sockets);
      if (!control->write(answer)) break;
    }
    listener->close();
    acceptor.wait();
    return 0;
  });
}

struct report {
  long goroutines = 0, bytes = 0, sockets = 0;
};

report ask(weft::net::unix_conn& control) {
  report r;
  if (!control.write("?")) return r;
  const std::string answer = support::read_string(control, 100);
  std::sscanf(answer.c_str(), "%ld %ld %ld", &r.goroutines, &r.bytes, &r.sockets);
  return r;
}

bool echo(weft::net::tcp_conn& conn, int times) {
  for (int i = 0; i < times; ++i) {
    const std::string question = std::to_string(i);
    if (!conn.write(question) || support::read_string(conn, 64) != question) return false;
  }
  return true;
}

TEST(many, ten_thousand_connections_idle_and_busy) {
  const int count = raise_the_limit();
  if (count < wanted) std::printf("descriptors for %d connections only\n", count);
  const std::string name = "@weft-many-" + std::to_string(::getpid());
  auto parent = weft::net::listen_unix(name);
  ASSERT_TRUE(parent) << parent.error().message();
  support::child_result ended;
  std::thread server([&] { ended = support::run_child("echo_server", {"WEFT_TEST_CONTROL=" + name}, std::chrono::seconds(100)); });
  auto control = parent->accept();
  ASSERT_TRUE(control);
  const std::string where = "127.0.0.1:" + support::read_string(*control, 16);

  std::atomic<int> failed{0}, connected{0};
  weft::chan<void> busy, close;
  weft::wait_group clients, rounds;
  rounds.add(count);
  for (int i = 0; i < count; ++i) {
    clients.go([&] {
      auto conn = weft::net::dial_tcp(where, {.timeout = support::stretched(std::chrono::seconds(60))});
      failed += !conn || !conn->linger(std::chrono::seconds(0)) || !echo(*conn, 1);
      ++connected;
      busy.recv();
      if (conn) failed += !echo(*conn, 5);
      rounds.done();
      close.recv();
    });
    if (i % 200 == 199) {
      ASSERT_TRUE(support::eventually([&] { return connected >= i - 400; }, std::chrono::seconds(60)));
    }
  }
  ASSERT_TRUE(support::eventually([&] { return connected == count; }, std::chrono::seconds(60)));
  EXPECT_EQ(failed, 0);
  const report idle = ask(*control);
  std::printf("%d idle connections: %.1f KiB each in the server\n", count, static_cast<double>(idle.bytes) / 1024 / count);
  EXPECT_GE(idle.goroutines, count);
  EXPECT_EQ(idle.sockets, count);
  EXPECT_LT(idle.bytes / count, 8 * 1024);

  busy.close();
  rounds.wait();
  EXPECT_EQ(failed, 0);
  close.close();
  clients.wait();
  EXPECT_TRUE(support::eventually([&] { return ask(*control).sockets == 0; })) << "the server leaks sockets";
  EXPECT_LT(ask(*control).goroutines, 10) << "the server leaks goroutines";
  control->close();
  weft::blocking([&] { server.join(); });
  EXPECT_EQ(ended.exit_status, 0) << ended;
}

}  // namespace
