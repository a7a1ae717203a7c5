// getaddrinfo: as a whole a declared blocking call. What libc does inside goes past any hook, and the modules it loads for
// it (libnss_*) keep state in thread-locals and locks, so their calls are not to park either.
#include <weft/runtime.h>

#include "hook/park.h"

using namespace weft::hook;

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  if (!may_park() || !has_scheduler()) return real::getaddrinfo(host, service, hints, found);
  return weft::blocking([=] {
    as_thread whole;
    return real::getaddrinfo(host, service, hints, found);
  });
}
