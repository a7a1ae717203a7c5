#include "hook/servers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>
#include <weft/net.h>
#include <weft/weft.h>

#include "support/child.h"
#include "support/eventually.h"

namespace hook_test {
namespace {

using namespace std::chrono_literals;

constexpr int nobody = 65534;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool answers(int port) {
  return weft::net::dial_tcp("127.0.0.1:" + std::to_string(port), {.timeout = 1s}).has_value();
}

// Neither root's nor able to outlive us.
words unprivileged(words command) {
  words all = {"--pdeathsig", "TERM"};
  if (::geteuid() == 0)
    for (const char* word : {"--reuid", "65534", "--regid", "65534", "--clear-groups"}) all.emplace_back(word);
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

}  // namespace

std::string find_program(const std::string& name) {
  words folders;
  const char* path = std::getenv("PATH");
  std::string rest = std::string(path ? path : "") + ":/usr/sbin:/usr/lib/postgresql/17/bin:/usr/lib/postgresql/16/bin:"
                                                     "/usr/lib/postgresql/15/bin:";
  for (std::size_t colon; (colon = rest.find(':')) != rest.npos; rest.erase(0, colon + 1)) {
    const fs::path candidate = fs::path(rest.substr(0, colon)) / name;
    if (colon > 0 && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

server::server(const std::string& program, arguments_for arguments, arguments_for prepare) : port_(free_port()) {
  const std::string path = find_program(program);
  if (path.empty() || find_program("setpriv").empty()) {
    why_not_ = program + " is not installed (scripts/packages hook)";
    return;
  }
  std::string pattern = (fs::temp_directory_path() / "weft_server_XXXXXX").string();
  if (!::mkdtemp(pattern.data())) {
    why_not_ = "no folder for " + program;
    return;
  }
  folder_ = pattern;
  fs::permissions(folder_, fs::perms::owner_all);
  if (::geteuid() == 0 && ::chown(folder_.c_str(), nobody, nobody) != 0) why_not_ = "no folder for an unprivileged user";
  if (prepare && why_not_.empty()) {
    auto made = weft::os::command("setpriv", unprivileged(prepare(folder_, port_))).directory(folder_).combined_output();
    if (!made) why_not_ = made.error().message();
  }
  if (!why_not_.empty()) return;
  words command = arguments(folder_, port_);
  command.insert(command.begin(), path);
  start(program, command);
}

void server::start(const std::string& program, const words& arguments) {
  using weft::os::stdio;
  auto log = weft::os::create((folder_ / "log").string());
  process_.emplace("setpriv", unprivileged(arguments));
  process_->directory(folder_).in(stdio::null()).out(stdio::to(*log)).err(stdio::with_out()).own_group();
  auto started = process_->start();
  if (started && support::eventually([&] { return answers(port_); }, 30s)) return;
  auto said = weft::os::open((folder_ / "log").string());
  why_not_ = program + " does not start here: " + weft::io::read_all(*said).value_or("");
}

server::~server() {
  if (process_) {
    (void)process_->signal(SIGQUIT);  // at once, for those who know the difference
    auto soon = weft::with_timeout(weft::background(), 10s);
    (void)process_->wait(soon);
  }
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

slow_proxy::slow_proxy(int target) : process_("/proc/self/exe", {"--child", "slow_proxy"}) {
  using weft::os::stdio;
  process_.env("WEFT_PROXY_TARGET", std::to_string(target)).in(stdio::pipe()).out(stdio::pipe());
  EXPECT_TRUE(process_.start());
  weft::io::buffered_reader lines(process_.out_pipe());
  port_ = std::atoi(lines.read_line().value_or("0").c_str());
}

slow_proxy::~slow_proxy() {
  process_.in_pipe().close();  // it ends with its input, also when we die
  (void)process_.wait();
}

namespace {

// Each piece of an answer keeps its distance to the question; that is enough for one that comes in pieces.
void pass_on(weft::net::tcp_conn client, const std::string& target) {
  auto server = weft::net::dial_tcp(target);
  if (!server) return;
  weft::wait_group both;
  both.go([&] {
    (void)weft::io::copy(*server, client);
    (void)server->shutdown_write();
  });
  char bytes[16 * 1024];
  while (true) {
    const auto got = server->read(std::span(bytes));
    if (!got || *got == 0) break;
    weft::sleep(100ms);
    if (!client.write(std::string_view(bytes, *got))) break;
  }
  client.close();
  both.wait();
}

}  // namespace

WEFT_CHILD(slow_proxy) {
  return weft::run([] {
    const std::string target = "127.0.0.1:" + std::string(std::getenv("WEFT_PROXY_TARGET"));
    auto listener = weft::net::listen_tcp("127.0.0.1:0", {.backlog = 4096});
    if (!listener) return 1;
    std::printf("%d\n", listener->local().port());
    std::fflush(stdout);
    weft::go([&] {
      while (auto client = listener->accept()) weft::go(pass_on, std::move(*client), target);
    });
    char byte;
    while (weft::blocking([&] { return ::read(0, &byte, 1); }) > 0) {
    }
    return 0;
  });
}

}  // namespace hook_test
