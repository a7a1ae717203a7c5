// libdw may need a megabyte of stack, which goroutines and some threads do not have.
#pragma once

#include <type_traits>

namespace weft::debug {

// Runs work(argument) on a thread of its own and waits, as a declared blocking call. Throws std::system_error when no
// thread can be started, and what the work throws.
void run_on_large_stack(void (*work)(void*), void* argument);
void run_on_large_stack_undeclared(void (*work)(void*), void* argument);  // may be called inside the runtime

// A thread that nobody waits for, with a large stack and no signals. Dies if it cannot be started.
void start_detached_thread(void* (*body)(void*), const char* name, void* argument = nullptr);

template <class F>
void on_large_stack(F&& f) {
  run_on_large_stack([](void* what) { (*static_cast<std::remove_reference_t<F>*>(what))(); }, static_cast<void*>(&f));
}

template <class F>
void on_large_stack_undeclared(F&& f) {
  run_on_large_stack_undeclared([](void* what) { (*static_cast<std::remove_reference_t<F>*>(what))(); }, static_cast<void*>(&f));
}

}  // namespace weft::debug
