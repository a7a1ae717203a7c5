// Start helpers of one kind, goroutines or plain OS threads, and join them all before the scope ends.
//
//   support::crew peers(support::kind::plain_thread);
//   peers.start([&] { ch.send(1); });
//   peers.join();
//
// join() waits through weft, so that a helper stuck for ever is a reported deadlock and not a silent hang.
#pragma once

#include <weft/weft.h>

#include <thread>
#include <utility>
#include <vector>

namespace support {

enum class kind { goroutine, plain_thread };

inline const char* name_of(kind k) { return k == kind::goroutine ? "goroutine" : "thread"; }

class crew {
 public:
  explicit crew(kind k = kind::goroutine) : kind_(k) {}
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  template <class F>
  void start(F f) {
    alive_.add(1);
    auto body = [f = std::move(f), this]() mutable {
      f();
      alive_.done();
    };
    if (kind_ == kind::goroutine) {
      weft::go(std::move(body));
    } else {
      threads_.emplace_back(std::move(body));
    }
  }

  void join() {
    alive_.wait();
    // The threads have nothing left to do: this wait is short, but declared, as the caller may be a goroutine.
    for (auto& t : threads_) weft::blocking([&] { t.join(); });
    threads_.clear();
  }

 private:
  kind kind_;
  weft::wait_group alive_;
  std::vector<std::thread> threads_;
};

}  // namespace support
