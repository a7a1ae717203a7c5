// Is std::chrono's time virtual in a bubble? A program of its own, linked in several ways (CMakeLists.txt); exits with 0
// when it is as it should be. The code under test asks for the time in a file that has never heard of weft/testing.h.
#include <weft/testing.h>
#include <weft/weft.h>

#include <cstdio>

std::chrono::steady_clock::time_point steady_elsewhere();
std::chrono::system_clock::time_point system_elsewhere();

namespace {
bool claim(bool holds, const char* what) {
  if (!holds) std::printf("not so: %s\n", what);
  return holds;
}
}  // namespace

int main() {
  using namespace std::chrono_literals;
  bool good = true;
  const auto real = steady_elsewhere();
  weft::testing::bubble([&] {
    const auto steady = steady_elsewhere();
    [[maybe_unused]] const auto system = system_elsewhere();
    weft::sleep(1h);
#ifdef CLOCK_IS_NOT_REPLACED
    good &= claim(steady_elsewhere() - steady < 1min, "the clock was not to be replaced");
    good &= claim(steady - real < 1min, "virtual time begins at the real one");
    const auto before = steady_elsewhere();
    weft::sleep_until(before + 3h);  // one of them has passed
    auto ctx = weft::with_timeout(weft::background(), 1h);
    good &= claim(*ctx.deadline() - before > 3h + 59min, "deadlines count from virtual time");
#else
    good &= claim(steady_elsewhere() - steady == 1h, "steady_clock is virtual");
    good &= claim(system_elsewhere() - system == 1h, "system_clock is virtual");
#endif
  });
  good &= claim(steady_elsewhere() - real < 1min, "steady_clock is real outside");
  return good ? 0 : 1;
}
