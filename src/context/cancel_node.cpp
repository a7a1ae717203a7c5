// Cancelling a part of the context tree.
//
// cancel() works in two passes over the part, breadth first, with one lock held at a time and no recursion: a tree may
// be deep, and stacks are small.
//
//   mark   Each link gets its reason, and its listeners move to the end of one list. A link that somebody else has
//          cancelled in the meantime is left to them, with all below it. After this pass err() is set everywhere.
//   tell   In the order of the list: the timer is stopped, the stop_source asked to stop, done() closed, callbacks
//          started. No lock is held: closing a channel readies goroutines, and stop callbacks are user code.
//
// Timers and signals do not come here directly. They arrive on a thread where user code has no business, so they start
// a goroutine that does.
//
// Refused: a goroutine per context that waits for the parent's done(): two switches and a stack for what is a list
// operation. Children listed by their direct parent whatever it is: value links would need lists too; instead each link
// knows the nearest one above that can be cancelled.
#include "context/cancel_node.h"

#include <cstddef>

#include "base/race.h"
#include "sched/seam.h"

namespace weft::detail {

// --- links ---------------------------------------------------------------------------------------

context_node::context_node(context_node* above, cancel_node* nearest, const void* value_key) noexcept
    : parent(above), canceller(nearest), key(value_key) {
  context_retain(parent);
}

void context_release(context_node* node) noexcept {
  // A loop and not ~context_node: a chain of links may be longer than a stack is deep.
  while (node) {
    base::race::release(&node->refs);
    if (node->refs.fetch_sub(1, base::acq_rel) != 1) return;
    base::race::acquire(&node->refs);
    context_node* const parent = node->parent;
    delete node;
    node = parent;
  }
}

cancel_node::cancel_node(context_node* above, std::optional<clock::time_point> until) noexcept
    : context_node(above, this, nullptr),
      cancel_listener(this),
      told_by(above ? above->canceller : nullptr),
      deadline(until) {}

// --- lists of listeners --------------------------------------------------------------------------

void listener_list::push_back(cancel_listener& listener) noexcept {
  listener.next = nullptr;
  listener.prev = last_;
  (last_ ? last_->next : first_) = &listener;
  last_ = &listener;
}

void listener_list::remove(cancel_listener& listener) noexcept {
  (listener.prev ? listener.prev->next : first_) = listener.next;
  (listener.next ? listener.next->prev : last_) = listener.prev;
  listener.next = listener.prev = nullptr;
}

cancel_listener* listener_list::pop_front() noexcept {
  cancel_listener* const listener = first_;
  if (listener) remove(*listener);
  return listener;
}

void listener_list::splice_back(listener_list& other) noexcept {
  if (!other.first_) return;
  other.first_->prev = last_;
  (last_ ? last_->next : first_) = other.first_;
  last_ = other.last_;
  other.first_ = other.last_ = nullptr;
}

namespace {

void retain(cancel_listener& listener) noexcept {
  if (listener.child)
    context_retain(listener.child);
  else
    static_cast<cancel_callback&>(listener).refs.fetch_add(1, base::relaxed);
}

void release(cancel_listener& listener) noexcept {
  if (listener.child)
    context_release(listener.child);
  else
    callback_release(static_cast<cancel_callback*>(&listener));
}

// False: the link is cancelled, and will tell nobody any more.
bool join(cancel_node& link, cancel_listener& listener) noexcept {
  base::locked hold(link.lock);
  if (link.is_cancelled.load(base::relaxed)) return false;
  retain(listener);
  link.listeners.push_back(listener);
  return true;
}

void leave(cancel_node& link, cancel_listener& listener) noexcept {
  {
    base::locked hold(link.lock);
    if (link.is_cancelled.load(base::relaxed)) return;  // C3
    link.listeners.remove(listener);
  }
  release(listener);
}

// --- deadlines -----------------------------------------------------------------------------------

// The value of cancel_node::timer once the link is cancelled. A timer that comes too late finds it there, and is
// stopped by whoever made it.
timer_core* const retired = reinterpret_cast<timer_core*>(alignof(std::max_align_t));

void discard(timer_core* timer) noexcept {
  timer_stop(timer);
  timer_release(timer);
}

void retire_timer(cancel_node& node) noexcept {
  timer_core* const timer = node.timer.exchange(retired, base::acq_rel);
  if (timer && timer != retired) discard(timer);
}

cancel_node*& node_of(void* closure) noexcept { return *static_cast<cancel_node**>(closure); }

void on_deadline_passed(void* due) {
  const timer_ref timer(static_cast<timer_core*>(due));  // keeps the node
  cancel(*node_of(timer_closure(timer.get())), std::errc::timed_out, {});
}

// The timer's own reference goes. The last one may take user values with it, which a scheduler's thread must not do.
void on_timer_gone(void* closure) noexcept {
  cancel_node* const node = node_of(closure);
  for (std::uint32_t refs = node->refs.load(base::relaxed); refs > 1;)
    if (node->refs.compare_exchange_weak(refs, refs - 1, base::release, base::relaxed)) return;
  weft::go([node] { context_release(node); });
}

// --- the two passes ------------------------------------------------------------------------------

bool mark(cancel_node& node, std::errc reason, const error& cause, listener_list& found) noexcept {
  base::locked hold(node.lock);
  if (node.is_cancelled.load(base::relaxed)) return false;
  node.reason = reason;
  node.cause = cause;
  node.is_cancelled.store(true, base::release);
  base::race::release(&node.is_cancelled);
  found.splice_back(node.listeners);
  return true;
}

void tell(cancel_node& node) noexcept {
  retire_timer(node);
  if (node.has_stop.load(base::acquire)) request_stop(node.stop);
  {
    base::locked hold(node.lock);
    node.is_told.store(true, base::release);
  }
  if (node.has_done.load(base::acquire)) node.done.close();
}

void tell(cancel_callback& callback) noexcept {
  if (callback.is_spent.exchange(true, base::acq_rel)) return;
  // The function comes after its registration and after the cancellation; the two are in no order for anybody else.
  const base::race::stranger nobody;
  base::race::acquire(&callback);
  base::race::acquire(&callback.told_by->is_cancelled);
  callback.start();
}

}  // namespace

void cancel(cancel_node& root, std::errc reason, const error& cause) noexcept {
  listener_list unmarked, marked;
  if (!mark(root, reason, cause, unmarked)) return;
  while (cancel_listener* listener = unmarked.pop_front()) {
    if (!listener->child || mark(*listener->child, reason, cause, unmarked))
      marked.push_back(*listener);
    else
      release(*listener);
  }
  if (root.told_by) leave(*root.told_by, root);
  tell(root);
  while (cancel_listener* listener = marked.pop_front()) {
    if (listener->child)
      tell(*listener->child);
    else
      tell(static_cast<cancel_callback&>(*listener));
    release(*listener);
  }
}

void cancel_in_goroutine(cancel_node* node, std::errc reason, error cause) {
  weft::go({.name = "context cancel"}, [node, reason, cause = std::move(cause)] {
    cancel(*node, reason, cause);
    context_release(node);
  });
}

void link_below_parent(cancel_node& node) noexcept {
  if (!node.told_by || join(*node.told_by, node)) return;
  cancel(node, node.told_by->reason, node.told_by->cause);
}

constexpr timer_function deadline_function = {{timer_fire_function},
                                              timer_closure_offset + sizeof(cancel_node*),
                                              block_class_for(timer_closure_offset + sizeof(cancel_node*)),
                                              on_deadline_passed, on_timer_gone};

void arm_deadline(cancel_node& node) {
  context_retain(&node);
  timer_core* timer;
  try {
    timer = timer_make_function(deadline_function);
  } catch (...) {
    context_release(&node);
    throw;
  }
  ::new (timer_closure(timer)) cancel_node*(&node);
  timer_start_function(timer, *node.deadline - clock::time_point(clock::duration(sched::now_ns())));
  timer_core* none = nullptr;
  if (!node.timer.compare_exchange_strong(none, timer, base::acq_rel, base::acquire)) discard(timer);
}

// --- callbacks -----------------------------------------------------------------------------------

void callback_register(cancel_callback* callback, context_node* node) {
  if (!node || !node->canceller) return;
  callback->told_by = node->canceller;
  context_retain(callback->told_by);
  base::race::release(callback);
  if (!join(*callback->told_by, *callback)) tell(*callback);
}

bool callback_stop(cancel_callback* callback) noexcept {
  if (!callback || callback->is_spent.exchange(true, base::acq_rel)) return false;
  if (callback->told_by) leave(*callback->told_by, *callback);
  return true;
}

void callback_release(cancel_callback* callback) noexcept {
  if (!callback) return;
  base::race::release(&callback->refs);
  if (callback->refs.fetch_sub(1, base::acq_rel) != 1) return;
  base::race::acquire(&callback->refs);
  cancel_node* const told_by = callback->told_by;
  delete callback;
  context_release(told_by);
}

}  // namespace weft::detail
