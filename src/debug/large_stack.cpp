#include "debug/large_stack.h"

#include <csignal>
#include <exception>
#include <pthread.h>
#include <system_error>

#include <weft/runtime.h>

#include "base/fatal.h"

namespace weft::debug {
namespace {

struct errand {
  void (*work)(void*);
  void* argument;
  std::exception_ptr thrown;
};

void* begin(void* what) {
  auto& e = *static_cast<errand*>(what);
  try {
    e.work(e.argument);
  } catch (...) {
    e.thrown = std::current_exception();
  }
  return nullptr;
}

int start_thread(pthread_t& thread, void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 2048 * 1024);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the threads of the program
  const int failed = pthread_create(&thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return failed;
}

}  // namespace

void run_on_large_stack_undeclared(void (*work)(void*), void* argument) {
  errand e{work, argument, nullptr};
  pthread_t thread;
  if (const int failed = start_thread(thread, begin, &e))
    throw std::system_error(failed, std::generic_category(), "weft::debug: no thread");
  pthread_join(thread, nullptr);
  if (e.thrown) std::rethrow_exception(e.thrown);
}

void run_on_large_stack(void (*work)(void*), void* argument) {
  weft::blocking([&] { run_on_large_stack_undeclared(work, argument); });
}

void start_detached_thread(void* (*body)(void*), const char* name, void* argument) {
  pthread_t thread;
  if (const int failed = start_thread(thread, body, argument)) base::fatal("cannot start the thread %s (error %d)", name, failed);
  pthread_setname_np(thread, name);
  pthread_detach(thread);
}

}  // namespace weft::debug
