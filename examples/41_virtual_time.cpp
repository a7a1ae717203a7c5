// Virtual time: a session that expires after half an hour, tested in no time.
#include <weft/weft.h>

#include <weft/testing.h>

#include <cstdio>
using namespace std::chrono_literals;

// Ends when nobody has touched it for 30 minutes.
class session {
 public:
  session() {
    weft::go([this] {
      for (;;) {
        auto touched = weft::on_recv(touches_);
        auto late = weft::on_timeout(30min);
        weft::select(touched, late);
        if (late) break;
      }
      expired_.close();
    });
  }
  void touch() { touches_.send(); }
  bool is_alive() const { return !expired_.closed(); }

 private:
  weft::chan<void> touches_, expired_;
};

int main() {
  weft::testing::bubble([] {
    session s;
    for (int visit = 0; visit < 100; ++visit) {
      weft::sleep(29min);
      s.touch();
    }
    std::printf("after two days of visits: %s\n", s.is_alive() ? "alive" : "expired");
    weft::sleep(30min);
    weft::testing::settle();
    std::printf("half an hour later: %s\n", s.is_alive() ? "alive" : "expired");
  });
}
