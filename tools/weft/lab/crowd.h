// The two kinds of task behind one shape, so that an experiment says once what all of them do:
//
//   template <class Tasks>
//   void run(sheet& s) {
//     auto work = [](long i) { Tasks::sleep(10ms); };
//     typename Tasks::crowd all(s);
//     all.start(Tasks::allowed(s, s.argument("tasks")), work);
//     all.join();
//   }
//
// os_threads are POSIX threads as every program creates them, with the default stack; pinned_threads are bound to the
// CPUs in turn; goroutines are weft's.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <weft/chan.h>
#include <weft/runtime.h>
#include <weft/rw_mutex.h>
#include <weft/time.h>
#include <weft/wait_group.h>

#include <chrono>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "queue.h"
#include "sheet.h"

namespace weft::lab {

// The CPUs this process may use.
std::vector<int> usable_cpu_list();
// Binds the calling thread, and those it will start, to one of them.
void stay_on_one_cpu();

// Closed when made; open() lets everybody through. A closed gate is a write lock that is held.
template <class SharedMutex>
class gate {
 public:
  gate() { lock_.lock(); }
  void open() { lock_.unlock(); }
  void wait() {
    lock_.lock_shared();
    lock_.unlock_shared();
  }

 private:
  SharedMutex lock_;
};

class thread_crowd {
 public:
  explicit thread_crowd(sheet& s, bool is_pinned = false);
  ~thread_crowd();
  thread_crowd(const thread_crowd&) = delete;
  thread_crowd& operator=(const thread_crowd&) = delete;

  // Starts f(0) … f(n - 1); f must outlive join(). Returns how many the kernel allowed; fewer than n is noted on the
  // sheet. Join before starting again.
  template <class F>
  long start(long n, const F& f) {
    return start_threads(
        n,
        [](void* p) -> void* {
          const auto& me = *static_cast<place*>(p);
          (*static_cast<const F*>(me.function))(me.index);
          return nullptr;
        },
        &f);
  }
  void join();

 private:
  struct place {
    const void* function;
    long index;
  };
  long start_threads(long n, void* (*entry)(void*), const void* function);

  sheet& sheet_;
  std::vector<int> cpus_;  // to pin to in turn; empty: not pinned
  pthread_attr_t attributes_;
  std::vector<place> places_;
  std::vector<pthread_t> threads_;
};

class pinned_thread_crowd : public thread_crowd {
 public:
  explicit pinned_thread_crowd(sheet& s) : thread_crowd(s, true) {}
};

class goroutine_crowd {
 public:
  explicit goroutine_crowd(sheet&) {}

  template <class F>
  long start(long n, const F& f) {
    for (long i = 0; i < n; ++i) tasks_.go([&f, i] { f(i); });
    return n;
  }
  void join() { tasks_.wait(); }

 private:
  wait_group tasks_;
};

struct os_threads {
  using crowd = thread_crowd;
  using gate = lab::gate<std::shared_mutex>;
  template <class T>
  using queue = bounded_queue<T>;
  static long allowed(sheet& s, long wanted) { return s.threads_allowed(wanted); }
  static int processors() { return static_cast<int>(usable_cpu_list().size()); }
  // False: the kernel allows no more threads.
  template <class F>
  static bool detach(F f) {
    try {
      std::thread(std::move(f)).detach();
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }
  static void sleep(clock::duration d) { std::this_thread::sleep_for(d); }
  static void sleep_until(clock::time_point t) { std::this_thread::sleep_until(t); }
  static void yield() { ::sched_yield(); }
};

struct pinned_threads : os_threads {
  using crowd = pinned_thread_crowd;
};

struct goroutines {
  using crowd = goroutine_crowd;
  using gate = lab::gate<rw_mutex>;
  template <class T>
  using queue = chan<T>;
  static long allowed(sheet& s, long wanted) { return s.memory_allows(wanted, 5 * 1024); }
  static int processors() { return weft::procs(); }
  template <class F>
  static bool detach(F f) {
    weft::go(std::move(f));
    return true;
  }
  static void sleep(clock::duration d) { weft::sleep(d); }
  static void sleep_until(clock::time_point t) { weft::sleep_until(t); }
  static void yield() { weft::yield(); }
};

// Waits until `count` has reached `target`, looking every millisecond. For the scaffolding around what is measured.
template <class Tasks, class Count>
void wait_until_reached(const Count& count, long target) {
  while (count.load() < target) Tasks::sleep(std::chrono::milliseconds(1));
}

}  // namespace weft::lab
