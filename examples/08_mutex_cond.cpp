// A bounded queue from weft::mutex and weft::cond. They are Lockable: the standard guards work.
#include <weft/weft.h>

#include <cstdio>
#include <deque>
#include <mutex>

class bounded_queue {
 public:
  explicit bounded_queue(std::size_t room) : room_(room) {}

  void push(int value) {
    std::unique_lock hold(mutex_);
    not_full_.wait(hold, [&] { return values_.size() < room_; });
    values_.push_back(value);
    not_empty_.notify_one();
  }

  int pop() {
    std::unique_lock hold(mutex_);
    not_empty_.wait(hold, [&] { return !values_.empty(); });
    const int value = values_.front();
    values_.pop_front();
    not_full_.notify_one();
    return value;
  }

 private:
  weft::mutex mutex_;
  weft::cond not_full_, not_empty_;
  std::deque<int> values_;  // guarded by mutex_
  const std::size_t room_;
};

int main() {
  return weft::run([] {
    bounded_queue queue(3);
    weft::wait_group producers;
    for (int p = 0; p < 4; ++p) {
      producers.go([&] {
        for (int i = 1; i <= 100; ++i) queue.push(i);
      });
    }
    int sum = 0;
    for (int i = 0; i < 400; ++i) sum += queue.pop();
    producers.wait();
    std::printf("sum of 400 values: %d\n", sum);
  });
}
