#include "os/signals.h"

#include <pthread.h>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include "base/atomic.h"
#include "os/futex.h"
#include "os/replace_handler.h"

namespace weft::os {
namespace {

constexpr std::uint64_t bit(int signal) { return std::uint64_t{1} << (signal - 1); }

// Shared with the handler: all of it is lock-free.
base::atomic<std::uint64_t> arrived{0};   // bit n - 1: signal n came
base::atomic<std::uint32_t> doorbell{0};  // counts arrivals; the delivery thread sleeps on it

void on_signal(int signal) {
  arrived.fetch_or(bit(signal), base::relaxed);
  doorbell.fetch_add(1, base::release);  // pairs with the acquire in deliver_all_of: who sees the ring sees the bit
  futex_wake(doorbell, 1);
}

struct watch_list {
  // Held while notify runs, which is how unwatch waits for it. A plain mutex: its critical sections make system calls,
  // and a goroutine that waits for one is a blocked thread like any other.
  std::mutex mutex;
  signal_watch* first = nullptr;
  int watches_of[last_signal + 1] = {};
  struct sigaction before[last_signal + 1] = {};
  std::thread delivery;                       // joinable while anything is watched
  base::atomic<std::uint32_t> generation{0};  // changes with every start and stop: the thread of an old one ends
};

watch_list& watches() {
  static auto& list = *new watch_list;  // never destroyed: the thread may outlive static objects
  return list;
}

void deliver(int signal) {
  std::lock_guard hold(watches().mutex);
  for (signal_watch* watch = watches().first; watch; watch = watch->next)
    if (watch->signals & bit(signal)) watch->notify(*watch, signal);
}

void deliver_all_of(std::uint32_t generation) {
  for (;;) {
    const std::uint32_t seen = doorbell.load(base::acquire);
    if (watches().generation.load(base::acquire) != generation) return;
    std::uint64_t pending = arrived.exchange(0, base::relaxed);
    if (pending == 0) futex_wait(doorbell, seen, no_deadline);
    for (; pending != 0; pending &= pending - 1) deliver(__builtin_ctzll(pending) + 1);
  }
}

// The thread takes no signals itself: they are for the threads of the program.
void start_delivery_locked(watch_list& list) {
  sigset_t all, mask;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mask);
  list.generation.fetch_add(1, base::relaxed);
  try {
    list.delivery = std::thread(deliver_all_of, list.generation.load(base::relaxed));
    pthread_setname_np(list.delivery.native_handle(), "weft-signals");
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

// The caller joins the thread when it no longer holds the lock, which the thread may be waiting for.
std::thread stop_delivery_locked(watch_list& list) noexcept {
  list.generation.fetch_add(1, base::relaxed);
  doorbell.fetch_add(1, base::release);  // who sees the ring sees the generation
  futex_wake(doorbell, 1);
  return std::move(list.delivery);
}

bool install_handler(int signal, struct sigaction& before) {
  struct sigaction ours = {};
  ours.sa_handler = on_signal;
  ours.sa_flags = SA_RESTART | SA_ONSTACK;  // whoever is in a system call need not care; goroutine stacks are small
  sigfillset(&ours.sa_mask);
  return replace_handler(signal, ours, before, set_handler_unseen);
}

// Unless somebody has replaced our handler meanwhile: then it is theirs to keep.
void restore_handler(int signal, const struct sigaction& before) {
  struct sigaction current = {};
  if (set_handler_unseen(signal, nullptr, &current) != 0 || current.sa_handler != on_signal) return;
  set_handler_unseen(signal, &before, nullptr);
}

}  // namespace

bool watch_signal(signal_watch& watch, int signal) {
  if (signal < 1 || signal > last_signal) return false;
  watch_list& list = watches();
  std::lock_guard hold(list.mutex);
  if (watch.signals & bit(signal)) return true;
  if (list.watches_of[signal] == 0) {
    // What came for earlier watches is not for us. Cleared before a thread may take it.
    arrived.fetch_and(~bit(signal), base::relaxed);
    if (!install_handler(signal, list.before[signal])) return false;
  }
  if (!list.delivery.joinable()) {
    try {
      start_delivery_locked(list);
    } catch (...) {
      restore_handler(signal, list.before[signal]);  // no thread, so no watch of anything: this was the first
      throw;
    }
  }
  ++list.watches_of[signal];
  if (watch.signals == 0) {
    watch.next = list.first;
    if (list.first) list.first->prev = &watch;
    list.first = &watch;
  }
  watch.signals |= bit(signal);
  return true;
}

void unwatch_signals(signal_watch& watch) noexcept {
  watch_list& list = watches();
  std::thread ended;
  {
    std::lock_guard hold(list.mutex);
    for (std::uint64_t left = watch.signals; left != 0; left &= left - 1) {
      const int signal = __builtin_ctzll(left) + 1;
      if (--list.watches_of[signal] == 0) restore_handler(signal, list.before[signal]);
    }
    if (watch.signals != 0) {
      (watch.prev ? watch.prev->next : list.first) = watch.next;
      if (watch.next) watch.next->prev = watch.prev;
      watch.next = watch.prev = nullptr;
      watch.signals = 0;
    }
    if (!list.first && list.delivery.joinable()) ended = stop_delivery_locked(list);
  }
  if (ended.joinable()) ended.join();
}

}  // namespace weft::os
