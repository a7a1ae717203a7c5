#include "os/names.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "os/keep_errno.h"

namespace weft::os {

lookup_outcome look_up(const std::string& host) {
  keep_errno kept;
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;  // one entry per address
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  lookup_outcome outcome;
  outcome.failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
  if (outcome.failed == EAI_SYSTEM) outcome.system_error = errno;
  if (outcome.failed) return outcome;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  for (const addrinfo* each = list; each; each = each->ai_next) {
    if (each->ai_addrlen > sizeof(sockaddr_storage)) continue;
    socket_address found;
    std::memcpy(&found.storage, each->ai_addr, each->ai_addrlen);
    found.size = each->ai_addrlen;
    outcome.found.push_back(found);
  }
  return outcome;
}

std::optional<std::uint16_t> port_of_service(const std::string& name) {
  keep_errno kept;
  for (const char* protocol : {"tcp", "udp"}) {
    servent entry{}, *found = nullptr;
    char buffer[1024];
    if (::getservbyname_r(name.c_str(), protocol, &entry, buffer, sizeof buffer, &found) == 0 && found)
      return ntohs(static_cast<std::uint16_t>(found->s_port));
  }
  return std::nullopt;
}

}  // namespace weft::os
