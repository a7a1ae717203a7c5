// Structured concurrency: tasks that never outlive their scope, and one answer for all of them.
//
//   weft::result<page> load(const weft::context& parent) {
//     page p;
//     weft::task_group tasks(parent, {.limit = 8});
//     tasks.go([&](const weft::context& ctx) { return fetch(ctx, "/head", p.head); });   // result<void>
//     tasks.go([&] { p.menu = default_menu(); });
//     if (auto all = tasks.wait(); !all) return weft::fail(all);
//     return p;
//   }
//
// The first task that fails, by returning an error or by throwing, decides what wait() says and cancels ctx() with that
// error as its cause; what later ones return is dropped. A task is asked to stop through ctx(), nothing stops it by force.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/context.h>
#include <weft/detail/atomic.h>
#include <weft/error.h>
#include <weft/runtime.h>
#include <weft/semaphore.h>
#include <weft/wait_group.h>

namespace weft {

struct group_options {
  int limit = 0;  // tasks that run at the same time; 0 or less: any number
};

namespace detail {

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<std::expected<T, error>> = true;

// What f(ctx), or f() where f takes nothing, returns.
template <class F>
decltype(auto) call_task(F& f, const context& ctx) {
  if constexpr (std::is_invocable_v<F&, const context&>)
    return std::invoke(f, ctx);
  else
    return std::invoke(f);
}

}  // namespace detail

template <class F>
concept group_task = std::is_invocable_v<F&, const context&> || std::is_invocable_v<F&>;

class task_group {
 public:
  explicit task_group(const context& parent = background(), group_options options = {});
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  // Cancels ctx() and waits for the tasks. A failure that wait() has not reported is dropped.
  ~task_group();

  // Runs f() or f(const context&) in its own goroutine; f returns a result<...> or nothing. Blocks while `limit` tasks
  // run. A task may start further tasks; with a limit it may then wait for itself: use try_go there. Tasks are also
  // started after a failure: they find ctx() cancelled.
  template <group_task F>
  void go(F&& f) {
    if (is_limited_) slots_.acquire();
    start(std::forward<F>(f));
  }

  // False, and f is not run, where go() would block.
  template <group_task F>
  bool try_go(F&& f) {
    if (is_limited_ && !slots_.try_acquire()) return false;
    start(std::forward<F>(f));
    return true;
  }

  // Blocks until all tasks have ended. The first failure: an error is returned, an exception is rethrown; a later call
  // says the same again. Tasks may be added after it, and waited for again.
  result<void> wait() {
    auto result = wait_in_turn();
    detail::keep_frame();
    return result;
  }

  const context& ctx() const noexcept { return ctx_; }

 private:
  template <class F>
  void start(F&& f) {
    running_.add(1);
    try {
      weft::go([this, task = std::optional<std::decay_t<F>>(std::forward<F>(f))]() mutable {
        run(*task);
        task.reset();  // what it captured may belong to the scope that wait() lets go on
        finish_one();
      });
    } catch (...) {
      finish_one();
      throw;
    }
  }

  template <class F>
  void run(F& task) noexcept {
    using outcome = std::remove_cvref_t<decltype(detail::call_task(task, ctx_))>;
    static_assert(std::is_void_v<outcome> || detail::is_result<outcome>,
                  "task_group: a task returns weft::result<...> or nothing");
    try {
      if constexpr (std::is_void_v<outcome>)
        detail::call_task(task, ctx_);
      else if (const auto done = detail::call_task(task, ctx_); !done)
        fail_with(done.error());
    } catch (...) {
      fail_with(std::current_exception());
    }
  }

  void fail_with(const error& e) noexcept;
  void fail_with(std::exception_ptr thrown) noexcept;
  void finish_one() noexcept;  // the last that a task does: the group may be gone afterwards

  cancel_context ctx_;
  const bool is_limited_;
  semaphore slots_;
  result<void> wait_in_turn();

  wait_group running_;
  base::atomic<bool> has_failed_{false};  // whoever sets it owns the two below, until it ends
  error error_;                           // readable when running_ is down to zero
  std::exception_ptr thrown_;
};

}  // namespace weft
