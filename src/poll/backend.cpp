#include "poll/backend.h"

#include "base/settings.h"
#include "poll/epoll_backend.h"
#include "poll/uring_backend.h"

namespace weft::poll {
namespace {

// epoll unless io_uring is asked for: docs/design/poller.md has the figures. Where io_uring is refused, or was not there when
// weft was built, nobody is told: a container's policy is no reason to fail.
backend* make() {
  if (base::settings().debug_poller == "uring")
    if (auto ring = os::uring::make()) return new uring_backend(std::move(ring));
  return new epoll_backend;
}

backend& start() {
  backend* const chosen = make();  // for ever
  sched::register_poller(chosen);
  return *chosen;
}

}  // namespace

backend& current_backend() {
  static backend& instance = start();
  return instance;
}

}  // namespace weft::poll
