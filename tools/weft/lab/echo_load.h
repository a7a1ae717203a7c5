// The load of E9: connections over the loopback, one message of 64 bytes each way. It is a process of its own, so that the
// figures of the server's process are the server's:
//
//   weft lab --echo-load PORT CONNECTIONS RUN_MS IDLE
//
// All connections are made and used once before the clock starts. Then for RUN_MS each has one message on its way at any
// time; or, with IDLE 1, only one of all of them has, in turns. It prints a sheet (sheet.h), and ends, with a reset of each
// connection, when its input does: until then the server can be looked at with all of them open.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace weft::lab {

int echo_load_main(int argc, char** argv);  // argv: "lab" "--echo-load" …

class echo_load {
 public:
  echo_load(std::uint16_t port, long connections, long run_ms, bool is_idle);
  ~echo_load();  // ends the process
  echo_load(const echo_load&) = delete;
  echo_load& operator=(const echo_load&) = delete;

  [[nodiscard]] std::string sheet() const;  // blocks until it is printed

 private:
  int to_ = -1, from_ = -1;
  pid_t process_ = -1;
};

// Listens on the loopback at any port; the backlog holds everybody. -1: refused.
int listen_on_loopback(std::uint16_t& port);

// For how many connections there are descriptors, after the limit was raised as far as it may be.
long connections_allowed(long wanted);

}  // namespace weft::lab
