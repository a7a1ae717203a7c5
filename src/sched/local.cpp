#include "sched/local.h"

#include <weft/local.h>

#include "base/atomic.h"
#include "sched/worker.h"

namespace weft::sched {

struct local_node {
  std::uint64_t key;
  void* value;
  void (*destroy)(void*) noexcept;
  local_node* next;
};

namespace {

void destroy_list(local_node*& first) {
  while (local_node* newest = first) {
    first = newest->next;
    newest->destroy(newest->value);
    delete newest;
  }
}

struct thread_locals {
  local_node* first = nullptr;
  ~thread_locals() { destroy_list(first); }
};
thread_local thread_locals of_this_thread;

[[gnu::noinline]] local_node*& thread_list() noexcept { return of_this_thread.first; }

local_node*& own_list() noexcept {
  if (goroutine* g = this_goroutine()) return g->locals;
  return thread_list();
}

}  // namespace

void destroy_locals(goroutine& g) { destroy_list(g.locals); }

}  // namespace weft::sched

namespace weft::detail {

std::uint64_t local_new_key() noexcept {
  static constinit base::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, base::relaxed) + 1;
}

void* local_find(std::uint64_t key) noexcept {
  for (auto* node = sched::own_list(); node; node = node->next)
    if (node->key == key) return node->value;
  return nullptr;
}

void local_attach(std::uint64_t key, void* value, void (*destroy)(void*) noexcept) {
  auto& first = sched::own_list();
  first = new sched::local_node{key, value, destroy, first};
}

}  // namespace weft::detail
