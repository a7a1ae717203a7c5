// An invented machine: a tree of /proc and /sys in a temporary directory, for code that reads below a given root.
//
//   support::fake_machine m;
//   m.cgroups("0::/app\n");
//   m.mounts(support::v2_mount);
//   m.file("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
//   weft::os::cgroup_cpu_quota(m.root());   // 1.5
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

inline constexpr const char* v2_mount = "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

class fake_machine {
 public:
  fake_machine() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft_machine_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = pattern;
  }
  ~fake_machine() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  fake_machine(const fake_machine&) = delete;
  fake_machine& operator=(const fake_machine&) = delete;

  // Replaced as a whole, as the kernel's files change: a reader never sees half of it.
  void file(const std::string& path, const std::string& text) {
    const std::filesystem::path place(root_ + path), fresh(root_ + path + ".new");
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, place);
  }
  // A file that opens and cannot be read. (Permissions would not stop a test that runs as root.)
  void unreadable(const std::string& path) { std::filesystem::create_directories(root_ + path); }
  void cgroups(const std::string& text) { file("/proc/self/cgroup", text); }
  void mounts(const std::string& text) {
    file("/proc/self/mountinfo",
         "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 0:21 / /proc rw,nosuid shared:2 - proc proc "
         "rw\n" +
             text);
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace support
