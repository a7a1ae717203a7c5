#include "poll/backend.h"

#include "poll/epoll_backend.h"

namespace weft::poll {
namespace {

backend& start() {
  auto* const chosen = new epoll_backend;  // for ever
  sched::register_poller(chosen);
  return *chosen;
}

}  // namespace

backend& current_backend() {
  static backend& instance = start();
  return instance;
}

}  // namespace weft::poll
