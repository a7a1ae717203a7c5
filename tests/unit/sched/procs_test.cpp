// The number of processors follows the CPU quota of the process's control group while the program runs.
#include <atomic>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <weft/weft.h>

#include "os/cpu_count.h"
#include "sched/procs.h"
#include "support/eventually.h"
#include "support/fake_machine.h"
#include "unit/stack/process.h"

namespace {

const char* const cpu_max = "/sys/fs/cgroup/app/cpu.max";

void one_group(support::fake_machine& m, const char* quota) {
  m.cgroups("0::/app\n");
  m.mounts(support::v2_mount);
  m.file(cpu_max, quota);
}

// The monitor looks once a second; until then these goroutines keep the machine busy, so it is not asleep.
bool procs_become(int wanted) {
  return support::eventually([=] { return weft::procs() == wanted; });
}

[[noreturn]] void follow_and_exit() {
  static support::fake_machine m;
  one_group(m, "max 100000\n");
  weft::sched::look_at_machine_below(m.root().c_str());
  const int all = weft::os::affinity_cpus();
  EXPECT_EQ(weft::procs(), all);
  weft::run([&] {
    m.file(cpu_max, "100000 100000\n");
    EXPECT_TRUE(procs_become(1));
    std::atomic<int> ran{0};
    weft::wait_group wg;
    for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
    wg.wait();
    EXPECT_EQ(ran, 100);
    m.file(cpu_max, "max 100000\n");
    EXPECT_TRUE(procs_become(all));
  });
  weft::set_procs(all + 2);
  m.file(cpu_max, "100000 100000\n");
  weft::sched::follow_cpu_limits();
  EXPECT_EQ(weft::procs(), all + 2);  // a number that was asked for stays
  std::filesystem::remove_all(m.root());  // the monitor may still look: the object itself stays
  std::_Exit(testing::Test::HasFailure() ? 1 : 0);
}

TEST(procs, follow_a_quota_that_changes_while_running_unless_a_number_was_asked_for) {
  if (weft::test::is_distorted()) GTEST_SKIP() << "an emulated program may be unable to execute itself";
  if (weft::os::affinity_cpus() < 2) GTEST_SKIP() << "needs two CPUs";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(follow_and_exit(), testing::ExitedWithCode(0), "");
}

}  // namespace
