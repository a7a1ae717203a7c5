// Run the same test from goroutines, from plain threads and from the main of weft::run, on 1, 2 and 8 processors.
//
//   class chan_everywhere : public support::everywhere {};
//   WEFT_EVERYWHERE(chan_everywhere);
//   TEST_P(chan_everywhere, recv_gets_what_send_gave) {
//     here([&] { auto peers = crew(); ... });
//   }
//
// `here` runs its argument to the end on the kind of caller the parameter names; `crew()` makes partners of the kind
// the parameter names, so every pairing of goroutines and threads meets.
#pragma once

#include "support/crew.h"

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <utility>

namespace support {

enum class caller { goroutine, plain_thread, run_main };

// Runs f on a goroutine and returns when it ended; an exception comes back to the caller.
template <class F>
void on_goroutine(F f) {
  std::exception_ptr thrown;
  weft::wait_group ended;
  ended.add(1);
  weft::go([&] {
    try {
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
    ended.done();
  });
  ended.wait();
  if (thrown) std::rethrow_exception(thrown);
}

template <class F>
void on(caller who, F f) {
  switch (who) {
    case caller::goroutine: on_goroutine(std::move(f)); return;
    case caller::plain_thread: f(); return;
    case caller::run_main: weft::run(std::move(f)); return;
  }
}

struct place {
  caller who;
  kind partners;
  int procs;
};

inline std::string name_of(const place& p) {
  static const char* const who[] = {"goroutine", "thread", "run"};
  return std::string(who[static_cast<int>(p.who)]) + "_with_" + name_of(p.partners) + "s_on_" + std::to_string(p.procs);
}

inline std::ostream& operator<<(std::ostream& out, const place& p) { return out << name_of(p); }

// Sets the number of processors for one scope.
class procs_scope {
 public:
  explicit procs_scope(int n) : before_(weft::set_procs(n)) {}
  ~procs_scope() { weft::set_procs(before_); }
  procs_scope(const procs_scope&) = delete;
  procs_scope& operator=(const procs_scope&) = delete;

 private:
  int before_;
};

class everywhere : public testing::TestWithParam<place> {
 protected:
  template <class F>
  void here(F f) {
    procs_scope procs(GetParam().procs);
    on(GetParam().who, std::move(f));
  }
  support::crew crew() const { return support::crew(GetParam().partners); }
};

inline const auto all_places = [] {
  std::vector<place> places;
  for (int procs : {1, 2, 8}) {
    places.push_back({caller::goroutine, kind::goroutine, procs});
    places.push_back({caller::goroutine, kind::plain_thread, procs});
    places.push_back({caller::plain_thread, kind::goroutine, procs});
    places.push_back({caller::plain_thread, kind::plain_thread, procs});
    places.push_back({caller::run_main, kind::goroutine, procs});
  }
  return places;
}();

}  // namespace support

#define WEFT_EVERYWHERE(fixture)                                                      \
  INSTANTIATE_TEST_SUITE_P(from, fixture, testing::ValuesIn(support::all_places),     \
                           [](const auto& info) { return support::name_of(info.param); })
