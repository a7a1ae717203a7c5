// The C library's resolver. Blocks the calling thread, perhaps for many seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/socket.h"

namespace weft::os {

struct lookup_outcome {
  int failed = 0;          // an EAI_ value; 0: found
  int system_error = 0;    // with EAI_SYSTEM: the errno value
  std::vector<socket_address> found;
};
[[gnu::noinline]] lookup_outcome look_up(const std::string& host);

[[gnu::noinline]] std::optional<std::uint16_t> port_of_service(const std::string& name);  // of TCP or UDP; a file read

}  // namespace weft::os
