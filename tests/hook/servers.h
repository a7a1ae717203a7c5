// Real servers on free loopback ports, as an unprivileged user, in a folder that goes away with them.
//
//   hook_test::server redis("redis-server", [](const fs::path& folder, int port) { return std::vector<std::string>{...}; });
//   if (!redis.is_there()) GTEST_SKIP() << redis.why_not();
//
// A server ends with the object; if the test dies before, the kernel ends it (PR_SET_PDEATHSIG, by setpriv).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <weft/os.h>

namespace hook_test {

namespace fs = std::filesystem;
using words = std::vector<std::string>;

// The program's path in PATH or where Debian puts servers; empty: not installed.
std::string find_program(const std::string& name);

int free_port();

class server {
 public:
  using arguments_for = std::function<words(const fs::path& folder, int port)>;
  explicit server(const std::string& program, arguments_for arguments, arguments_for prepare = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] bool is_there() const { return why_not_.empty(); }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  void start(const std::string& program, const words& arguments);
  fs::path folder_;
  int port_ = 0;
  std::string why_not_;
  std::optional<weft::os::command> process_;
};

// A process that passes connections on to a port, and what comes back 100 ms late.
class slow_proxy {
 public:
  explicit slow_proxy(int target);
  ~slow_proxy();
  [[nodiscard]] int port() const { return port_; }

 private:
  int port_ = 0;
  weft::os::command process_;
};

}  // namespace hook_test
