// Concurrent calls with one key share one execution.
//
//   weft::single_flight<std::string, config> loads;
//   config c = loads.call(path, [&] { return parse(path); });   // ten callers at once: one parse
//
// The first caller of a key runs the function, in its own goroutine or thread; those who come while it runs wait, and get
// copies of what it returned, or the exception it threw. Nothing is remembered afterwards: this is not a cache.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <weft/mutex.h>
#include <weft/wait_group.h>

namespace weft {

template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class single_flight {
  static_assert(std::is_copy_constructible_v<V>, "single_flight: V is copied for each caller; share a std::shared_ptr");

 public:
  single_flight() = default;
  single_flight(const single_flight&) = delete;
  single_flight& operator=(const single_flight&) = delete;

  // Blocks until the value is there. Calling it for the same key from inside f deadlocks.
  template <std::invocable F>
  V call(const K& key, F&& f) {
    std::unique_lock hold(mutex_);
    if (auto known = flights_.find(key); known != flights_.end()) {
      const std::shared_ptr<flight> joined = known->second;
      hold.unlock();
      joined->landed.wait();
      return joined->value();
    }
    const auto own = std::make_shared<flight>();
    flights_.emplace(key, own);
    hold.unlock();

    try {
      own->result.emplace(std::invoke(std::forward<F>(f)));
    } catch (...) {
      own->thrown = std::current_exception();
    }

    hold.lock();
    if (auto known = flights_.find(key); known != flights_.end() && known->second == own) flights_.erase(known);
    hold.unlock();
    own->landed.done();
    return own->value();
  }

  // The next call of this key runs its function, whether or not an earlier one still runs.
  void forget(const K& key) {
    std::lock_guard hold(mutex_);
    flights_.erase(key);
  }

 private:
  struct flight {
    flight() { landed.add(1); }
    V value() const {
      if (thrown) std::rethrow_exception(thrown);
      return *result;
    }
    wait_group landed;
    std::optional<V> result;  // one of the two is set before `landed`, and neither changes after it
    std::exception_ptr thrown;
  };

  mutex mutex_;
  std::unordered_map<K, std::shared_ptr<flight>, Hash, Equal> flights_;  // guarded by mutex_
};

}  // namespace weft
