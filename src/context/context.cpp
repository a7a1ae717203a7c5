// The public face of the tree: what a handle answers, and how links are made.
#include <weft/context.h>

#include <utility>

#include <weft/select.h>

#include "context/cancel_node.h"
#include "base/race.h"
#include "sched/seam.h"

namespace weft {
namespace {

using detail::cancel_node;
using access = detail::context_access;

// clock::now() as the caller's world has it.
clock::time_point world_now() noexcept { return clock::time_point(clock::duration(sched::now_ns())); }

error err_of(const cancel_node& node) noexcept { return error(node.reason, "context"); }

// Neither of the two is ever destroyed: contexts are asked while static objects go.
const chan<void>& closed_channel() {
  static const auto& closed = *new chan<void>([] {
    chan<void> channel;
    channel.close();
    return channel;
  }());
  return closed;
}

const std::stop_source& stopped_source() {
  static const auto& stopped = *new std::stop_source([] {
    std::stop_source source;
    source.request_stop();
    return source;
  }());
  return stopped;
}

// Installs `made` in the link unless another one is there or it is too late (C4, C5). What is allocated is made before
// the lock is taken and dropped after it is released.
template <class T>
void install(cancel_node& node, const base::atomic<bool>& is_too_late, base::atomic<bool>& is_installed, T& place,
             T made) {
  base::locked hold(node.lock);
  if (is_installed.load(base::relaxed) || is_too_late.load(base::relaxed)) return;
  std::swap(place, made);
  is_installed.store(true, base::release);
}

// Gives the new link its place in the tree and the caller the only handle.
cancel_context settle(cancel_node* node) {
  detail::link_below_parent(*node);
  const bool has_own_deadline = node->deadline && (!node->told_by || node->deadline != node->told_by->deadline);
  if (has_own_deadline && *node->deadline != clock::time_point::max()) {
    if (*node->deadline <= world_now())
      detail::cancel(*node, std::errc::timed_out, {});
    else if (!node->is_cancelled.load(base::relaxed))
      detail::arm_deadline(*node);
  }
  return access::adopt_cancel(node);
}

}  // namespace

receiver<void> context::done() const {
  cancel_node* const node = access::canceller(*this);
  if (!node) return nullptr;
  if (!node->has_done.load(base::acquire)) {
    if (!node->is_told.load(base::acquire)) install(*node, node->is_told, node->has_done, node->done, chan<void>());
    if (!node->has_done.load(base::acquire)) {
      base::race::acquire(&node->is_cancelled);
      return closed_channel();
    }
  }
  return node->done;
}

std::stop_token context::stop_token() const {
  cancel_node* const node = access::canceller(*this);
  if (!node) return {};
  if (!node->has_stop.load(base::acquire)) {
    if (!cancelled()) install(*node, node->is_cancelled, node->has_stop, node->stop, std::stop_source());
    if (!node->has_stop.load(base::acquire)) {
      base::race::acquire(&node->is_cancelled);
      return stopped_source().get_token();
    }
  }
  return node->stop.get_token();
}

bool context::cancelled() const noexcept {
  sched::point("context cancelled");
  const cancel_node* const node = access::canceller(*this);
  if (!node || !node->is_cancelled.load(base::acquire)) return false;
  base::race::acquire(&node->is_cancelled);
  return true;
}

error context::err() const { return cancelled() ? err_of(*access::canceller(*this)) : error(); }

error context::cause() const {
  if (!cancelled()) return {};
  const cancel_node* const node = access::canceller(*this);
  return node->cause ? node->cause : err_of(*node);
}

std::optional<clock::time_point> context::deadline() const noexcept {
  const cancel_node* const node = access::canceller(*this);
  return node ? node->deadline : std::nullopt;
}

void cancel_context::cancel(error cause) noexcept {
  sched::point("context cancel");
  cancel_node* const node = access::canceller(*this);
  detail::cancel(*node, std::errc::operation_canceled, cause);
  node->retire();
}

cancel_context with_cancel(const context& parent) {
  return settle(new cancel_node(access::node(parent), parent.deadline()));
}

cancel_context with_deadline(const context& parent, clock::time_point deadline) {
  if (auto above = parent.deadline(); above && *above < deadline) deadline = *above;
  return settle(new cancel_node(access::node(parent), deadline));
}

cancel_context with_timeout(const context& parent, clock::duration timeout) {
  const auto now = world_now();
  return with_deadline(parent, timeout < clock::time_point::max() - now ? now + timeout : clock::time_point::max());
}

context without_cancel(const context& parent) {
  return access::adopt(new detail::context_node(access::node(parent), nullptr, nullptr));
}

recv_case<void> on_done(const context& ctx) { return on_recv(ctx.done()); }

}  // namespace weft
