// with_signals: a link that process signals cancel.
#include <weft/context.h>

#include <csignal>
#include <cstring>
#include <string>

#include "context/cancel_node.h"
#include "os/signals.h"
#include "sched/runtime.h"

namespace weft {
namespace {

std::string name_of(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return abbreviation ? "SIG" + std::string(abbreviation) : std::to_string(signal);
}

struct signal_node final : detail::cancel_node, os::signal_watch {
  signal_node(detail::context_node* above, std::optional<clock::time_point> deadline) noexcept
      : cancel_node(above, deadline), signal_watch(cancel_on) {
    sched::external_source_add();  // a signal may wake everybody: no deadlock while we are armed
  }

  // On the delivery thread. The link is alive: retire() waits for us, and its caller holds a reference.
  static void cancel_on(signal_watch& watch, int signal) {
    auto& self = static_cast<signal_node&>(watch);
    detail::context_retain(&self);
    detail::cancel_in_goroutine(&self, std::errc::operation_canceled,
                                error(std::make_error_code(std::errc::interrupted), "signal", name_of(signal)));
  }

  void retire() noexcept override {
    if (!is_armed_.exchange(false, base::acq_rel)) return;
    os::unwatch_signals(*this);
    sched::external_source_remove();
  }

 private:
  base::atomic<bool> is_armed_{true};
};

}  // namespace

cancel_context with_signals(const context& parent, std::initializer_list<int> signals) {
  using access = detail::context_access;
  auto* const node = new signal_node(access::node(parent), parent.deadline());
  try {
    for (const int signal : signals) {
      if (!os::watch_signal(*node, signal))
        throw misuse("with_signals: signal " + name_of(signal) + " cannot be caught");
    }
  } catch (...) {
    node->retire();
    detail::context_release(node);
    throw;
  }
  detail::link_below_parent(*node);
  return access::adopt_cancel(node);
}

}  // namespace weft
