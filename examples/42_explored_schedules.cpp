// Explored schedules with GoogleTest: a cache that loads each key once, and the schedule in which it does not.
#include <gtest/gtest.h>

#include <weft/testing.h>
#include <weft/weft.h>

#include <map>
#include <mutex>
#include <string>

class cache {
 public:
  explicit cache(bool holds_on) : holds_on_(holds_on) {}
  int loads() const { return loads_; }

  std::string get(const std::string& key) {
    std::unique_lock hold(m_);
    if (auto known = values_.find(key); known != values_.end()) return known->second;
    if (!holds_on_) hold.unlock();  // "loading is slow, others need not wait": so two may load
    ++loads_;
    weft::sleep(std::chrono::seconds(1));
    if (!holds_on_) hold.lock();
    return values_[key] = "value of " + key;
  }

 private:
  const bool holds_on_;
  weft::mutex m_;
  std::map<std::string, std::string> values_;
  int loads_ = 0;
};

void two_readers(bool holds_on) {
  cache c(holds_on);
  weft::wait_group wg;
  for (int i = 0; i < 2; ++i) wg.go([&] { EXPECT_EQ(c.get("k"), "value of k"); });
  wg.wait();
  if (c.loads() != 1) throw std::logic_error("loaded twice");
}

TEST(cache, loads_once) {
  weft::testing::explore({.schedules = 1000}, [] { two_readers(true); });
}

TEST(cache, loads_twice_when_it_lets_go) {
  EXPECT_THROW(weft::testing::explore({.schedules = 1000}, [] { two_readers(false); }), weft::testing::failure);
}

int main(int argc, char** argv) {
  GTEST_FLAG_SET(print_time, false);
  return weft::testing::main(argc, argv);  // a test that leaves a goroutine behind fails
}
