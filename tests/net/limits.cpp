// Out of descriptors: accept pauses and recovers, dial and listen say so, and nothing is lost.
#include "net/pairs.h"
#include "support/child.h"
#include "support/eventually.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <vector>

namespace {

using namespace std::chrono_literals;

#define REQUIRE(condition) \
  if (!(condition)) {      \
    std::fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
    return 1;              \
  }

// Others in the process open files too: the monitor looks at the control group each second, a new thread writes its name. What
// such a one gives back, or takes, makes the scenario another one; it is then tried again.
constexpr int disturbed = 77;
#define UNLESS_DISTURBED(condition) \
  if (!(condition)) return disturbed

std::vector<int> take_all_descriptors() {
  std::vector<int> taken;
  for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  return taken;
}

WEFT_CHILD(runs_out_of_descriptors) {
  const rlimit few{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &few);
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    const std::string where = listener->local().to_string();
    auto early = weft::net::dial_tcp(where);
    REQUIRE(early);
    auto taken = take_all_descriptors();

    const auto refused = weft::net::dial_tcp(where);
    UNLESS_DISTURBED(!refused);
    REQUIRE(refused.error() == std::errc::too_many_files_open);
    REQUIRE(refused.error().message() == "dial " + where + ": Too many open files");
    UNLESS_DISTURBED(!weft::net::listen_tcp("127.0.0.1:0"));

    listener->set_read_deadline(weft::clock::now() + 30ms);  // it tries again and again, and the deadline ends that
    const auto late = listener->accept();
    UNLESS_DISTURBED(!late);
    REQUIRE(late.error() == std::errc::timed_out);
    listener->set_read_deadline(weft::clock::time_point::max());
    auto ctx = weft::with_timeout(weft::background(), 5ms);
    const auto given_up = listener->accept(ctx);
    UNLESS_DISTURBED(!given_up);
    REQUIRE(given_up.error() == std::errc::timed_out);

    weft::chan<std::string> served;
    weft::go([&] {
      auto conn = listener->accept();
      served.send(conn ? support::read_string(*conn) : conn.error().message());
    });
    weft::sleep(20ms);
    UNLESS_DISTURBED(!served.try_recv());
    for (int fd : taken) ::close(fd);
    REQUIRE(early->write("kept in the backlog"));
    REQUIRE(served.recv() == "kept in the backlog");

    for (int i = 0; i < 5; ++i) {
      taken = take_all_descriptors();
      ::close(taken.back());  // room for the dialer, not for the listener
      auto dialed = weft::net::dial_tcp(where);
      UNLESS_DISTURBED(dialed || dialed.error() != std::errc::too_many_files_open);
      REQUIRE(dialed);
      weft::wait_group accepted;
      accepted.go([&] { (void)listener->accept(); });  // and closed
      weft::sleep(3ms);
      taken.pop_back();
      for (int fd : taken) ::close(fd);
      accepted.wait();
      REQUIRE(support::sockets_come_to(3));
    }
    REQUIRE(support::sockets_come_to(2));
    return 0;
  });
}

TEST(limits, without_descriptors_accept_waits_and_recovers_and_nothing_is_lost) {
  support::child_result child;
  for (int tries = 0; tries < 20; ++tries)
    if ((child = support::run_child("runs_out_of_descriptors")).exit_status != disturbed) break;
  EXPECT_EQ(child.exit_status, 0) << child;
  EXPECT_LT(child.cpu_seconds, 1.0) << "it must pause, not spin";
}

WEFT_CHILD(close_ends_a_pausing_accept) {
  const rlimit few{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &few);
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    auto waiting = weft::net::dial_tcp(listener->local().to_string());
    take_all_descriptors();
    weft::wait_group ended;
    bool is_cancelled = false;
    ended.go([&] {
      auto got = listener->accept();
      while (got) got = listener->accept();  // a descriptor that somebody else had open for a moment was free again
      is_cancelled = got.error() == std::errc::operation_canceled;
    });
    weft::sleep(15ms);
    listener->close();
    ended.wait();
    return is_cancelled ? 0 : 1;
  });
}

TEST(limits, close_ends_an_accept_that_pauses) {
  const auto child = support::run_child("close_ends_a_pausing_accept");
  EXPECT_EQ(child.exit_status, 0) << child;
}

}  // namespace
