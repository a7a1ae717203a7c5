// What threads use where goroutines have a buffered channel: a bounded queue, a mutex and two condition variables.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace weft::lab {

template <class T>
class bounded_queue {
 public:
  explicit bounded_queue(std::size_t capacity) : capacity_(capacity) {}

  void send(T value) {
    std::unique_lock hold(lock_);
    has_room_.wait(hold, [&] { return items_.size() < capacity_; });
    items_.push_back(std::move(value));
    hold.unlock();
    has_items_.notify_one();
  }

  std::optional<T> recv() {  // nullopt: closed and drained
    std::unique_lock hold(lock_);
    has_items_.wait(hold, [&] { return !items_.empty() || is_closed_; });
    if (items_.empty()) return std::nullopt;
    T first = std::move(items_.front());
    items_.pop_front();
    hold.unlock();
    has_room_.notify_one();
    return first;
  }

  void close() {
    {
      std::lock_guard hold(lock_);
      is_closed_ = true;
    }
    has_items_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex lock_;
  std::condition_variable has_items_, has_room_;
  std::deque<T> items_;
  bool is_closed_ = false;
};

}  // namespace weft::lab
