// The CPU count against invented machines: trees of /proc and /sys in a temporary directory.
#include "os/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>

#include "os/cgroup.h"
#include "support/fake_machine.h"

namespace {

using weft::os::cgroup_cpu_quota;
using support::v2_mount;
constexpr double none = std::numeric_limits<double>::infinity();

class machine : public support::fake_machine {
 public:
  double quota() { return cgroup_cpu_quota(root()); }
};

const char* const v1_mount = "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

TEST(cgroup, v2_quota_of_the_own_group_counts) {
  machine m;
  m.cgroups("0::/app\n");
  m.mounts(v2_mount);
  m.file("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(m.quota(), 1.5);
}

TEST(cgroup, v2_max_means_no_quota) {
  machine m;
  m.cgroups("0::/app\n");
  m.mounts(v2_mount);
  m.file("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(m.quota(), none);
}

TEST(cgroup, v2_tightest_of_all_ancestors_counts) {
  machine m;
  m.cgroups("0::/a/b/c\n");
  m.mounts(v2_mount);
  m.file("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  m.file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  m.file("/sys/fs/cgroup/a/cpu.max", "30000 10000\n");
  EXPECT_EQ(m.quota(), 3.0);
  m.file("/sys/fs/cgroup/cpu.max", "20000 10000\n");  // as at the root of a container
  EXPECT_EQ(m.quota(), 2.0);
  m.file("/sys/fs/cgroup/a/other/cpu.max", "1000 10000\n");  // a sibling is none of ours
  m.file("/sys/fs/cgroup/a/b/c/child/cpu.max", "1000 10000\n");
  EXPECT_EQ(m.quota(), 2.0);
}

TEST(cgroup, v2_container_that_sees_itself_as_the_root) {
  machine m;
  m.cgroups("0::/\n");
  m.mounts(v2_mount);
  m.file("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(m.quota(), 0.5);
}

TEST(cgroup, v1_quota_counts_and_minus_one_means_none) {
  machine m;
  m.cgroups("5:memory:/other\n4:cpu,cpuacct:/app/leaf\n1:name=systemd:/x\n");
  m.mounts(v1_mount);
  m.file("/sys/fs/cgroup/cpu,cpuacct/app/leaf/cpu.cfs_quota_us", "-1\n");
  m.file("/sys/fs/cgroup/cpu,cpuacct/app/leaf/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.quota(), none);
  m.file("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n");
  m.file("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.quota(), 2.5);
}

TEST(cgroup, v1_container_whose_own_group_is_the_root_of_the_mount) {
  machine m;
  m.cgroups("4:cpu:/docker/17ab/inner\n");
  m.mounts("33 31 0:30 /docker/17ab /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  m.file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
  m.file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.quota(), 4.0);
  m.file("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "100000\n");
  m.file("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.quota(), 1.0);
}

TEST(cgroup, group_outside_the_mount_is_not_misread) {
  machine m;
  m.cgroups("0::/docker/17abc\n");
  m.mounts("30 22 0:26 /docker/17ab /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  m.file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  m.file("/sys/fs/cgroup/c/cpu.max", "100000 100000\n");
  EXPECT_EQ(m.quota(), none);
  m.cgroups("0::/../elsewhere\n");  // moved out of its namespace
  m.mounts(v2_mount);
  EXPECT_EQ(m.quota(), none);
}

TEST(cgroup, mount_from_outside_the_namespace_is_an_ancestor) {
  machine m;
  m.cgroups("0::/\n");
  m.mounts("30 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  m.file("/sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(m.quota(), 3.0);
}

TEST(cgroup, hybrid_takes_the_tighter_version) {
  machine m;
  m.cgroups("4:cpu,cpuacct:/old\n1:name=systemd:/s\n0::/new\n");
  m.mounts(std::string{v1_mount}.append("41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"));
  m.file("/sys/fs/cgroup/cpu,cpuacct/old/cpu.cfs_quota_us", "300000\n");
  m.file("/sys/fs/cgroup/cpu,cpuacct/old/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(m.quota(), 3.0);
  m.file("/sys/fs/cgroup/unified/new/cpu.max", "200000 100000\n");
  EXPECT_EQ(m.quota(), 2.0);
}

TEST(cgroup, escaped_mount_points_are_understood) {
  machine m;
  m.cgroups("0::/a b\n");
  m.mounts("30 22 0:26 / /mnt/c\\040g\\134roups rw shared:4 master:2 propagate_from:1 - cgroup2 none rw\n");
  m.file("/mnt/c g\\roups/a b/cpu.max", "200000 100000\n");
  EXPECT_EQ(m.quota(), 2.0);
}

TEST(cgroup, group_names_may_hold_colons) {
  machine m;
  m.cgroups("0::/odd:name\n");
  m.mounts(v2_mount);
  m.file("/sys/fs/cgroup/odd:name/cpu.max", "200000 100000\n");
  EXPECT_EQ(m.quota(), 2.0);
}

TEST(cgroup, missing_and_unreadable_files_are_no_error) {
  machine bare;
  EXPECT_EQ(bare.quota(), none);
  bare.cgroups("0::/a/b\n");
  EXPECT_EQ(bare.quota(), none);
  bare.mounts(v2_mount);
  EXPECT_EQ(bare.quota(), none);
  bare.unreadable("/sys/fs/cgroup/a/b/cpu.max");
  bare.file("/sys/fs/cgroup/a/cpu.max", "700000 100000\n");  // what can be read still counts
  EXPECT_EQ(bare.quota(), 7.0);
  machine denied;
  denied.unreadable("/proc/self/cgroup");
  denied.unreadable("/proc/self/mountinfo");
  EXPECT_EQ(denied.quota(), none);
}

TEST(cgroup, nonsense_is_passed_over) {
  for (const char* text :
       {"", "\n", "x y\n", "100000\n", "100000 0\n", "-5 100000\n", "0 100000\n", "99999999999999999999 1\n"}) {
    machine m;
    m.cgroups("0::/app\n");
    m.mounts(v2_mount);
    m.file("/sys/fs/cgroup/app/cpu.max", text);
    EXPECT_EQ(m.quota(), none) << text;
  }
  for (const char* text : {"", "\n", ":::\n", "0", "0:", "0::", "4:cpu", "a b c\n"}) {
    machine m;
    m.cgroups(text);
    m.mounts(std::string{text} + "\n" + v2_mount + v1_mount + "30 22 -\n- -\n30 22 0:26 / /x -");
    EXPECT_EQ(m.quota(), none) << text;
  }
}

TEST(cpu_count, quota_is_rounded_up_and_at_least_one) {
  using weft::os::cpus_within;
  EXPECT_EQ(cpus_within(8, none), 8);
  EXPECT_EQ(cpus_within(8, 100), 8);
  EXPECT_EQ(cpus_within(8, 1e300), 8);
  EXPECT_EQ(cpus_within(8, 3.0), 3);
  EXPECT_EQ(cpus_within(8, 2.01), 3);
  EXPECT_EQ(cpus_within(8, 0.1), 1);
}

TEST(cpu_count, quota_narrows_the_affinity_mask) {
  machine m;
  m.cgroups("0::/\n");
  m.mounts(v2_mount);
  EXPECT_EQ(weft::os::usable_cpus(m.root()), weft::os::affinity_cpus());
  m.file("/sys/fs/cgroup/cpu.max", "10000 100000\n");
  EXPECT_EQ(weft::os::usable_cpus(m.root()), 1);
}

TEST(cpu_count, affinity_mask_of_the_process_counts) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(weft::os::affinity_cpus(), CPU_COUNT(&all));
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(weft::os::affinity_cpus(), 1);
  EXPECT_EQ(weft::os::usable_cpus(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

TEST(cpu_count, this_machine_has_at_least_one_and_errno_stays) {
  errno = 4711;
  EXPECT_GE(weft::os::usable_cpus(), 1);
  EXPECT_LE(weft::os::usable_cpus(), weft::os::affinity_cpus());
  EXPECT_EQ(errno, 4711);
}

}  // namespace
