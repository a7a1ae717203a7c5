#include "sched/timer_heap.h"

namespace weft::sched {
namespace {

bool before(const timer_node& a, const timer_node& b) noexcept {
  if (a.when_ns != b.when_ns) return a.when_ns < b.when_ns;
  return static_cast<std::int32_t>(a.order - b.order) < 0;  // right unless two billion additions lie between them
}

// Makes the later of two roots the first child of the earlier one, which is returned.
timer_node* link(timer_node* a, timer_node* b) noexcept {
  timer_node* parent = before(*b, *a) ? b : a;
  timer_node* loser = parent == a ? b : a;
  loser->next = parent->child;
  loser->prev = parent;
  if (parent->child != nullptr) parent->child->prev = loser;
  parent->child = loser;
  return parent;
}

}  // namespace

// One root out of a list of siblings: neighbours pair up from left to right, then the winners join from right to left.
// Both passes matter: either alone makes pop() linear.
timer_node* timer_heap::join_siblings(timer_node* first) noexcept {
  timer_node* winners = nullptr;  // a stack, through `next`
  while (first != nullptr) {
    timer_node* a = first;
    timer_node* b = a->next;
    first = b != nullptr ? b->next : nullptr;
    timer_node* winner = b != nullptr ? link(a, b) : a;
    winner->next = winners;
    winners = winner;
  }
  timer_node* root = winners;
  if (root == nullptr) return nullptr;
  for (timer_node* other = root->next; other != nullptr;) {
    timer_node* after = other->next;
    root = link(root, other);
    other = after;
  }
  return root;
}

void timer_heap::push_beside(timer_node& node) noexcept {
  node.child = nullptr;
  root_ = link(root_, &node);
}

void timer_heap::remove(timer_node& node) noexcept {
  if (&node == root_) return pop();
  if (node.prev->child == &node)
    node.prev->child = node.next;
  else
    node.prev->next = node.next;
  if (node.next != nullptr) node.next->prev = node.prev;
  if (timer_node* orphans = join_siblings(node.child)) root_ = link(root_, orphans);
}

}  // namespace weft::sched
