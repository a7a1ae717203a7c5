#include "os/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace {

using weft::os::read_file;

TEST(read_file, whole_file_or_as_much_as_fits) {
  const auto path = std::filesystem::temp_directory_path() / ("weft_file_test_" + std::to_string(getpid()));
  const std::string text(10'000, 'x');
  std::ofstream(path) << text;
  EXPECT_EQ(read_file(path.string()), text);
  char small[100];
  EXPECT_EQ(read_file(path.c_str(), small), text.substr(0, 100));
  std::filesystem::remove(path);
}

TEST(read_file, what_cannot_be_read_is_empty_and_errno_stays) {
  char buffer[100];
  errno = 4711;
  EXPECT_EQ(read_file(std::string{"/nowhere/at/all"}), std::nullopt);
  EXPECT_EQ(read_file(std::string{"/proc"}), std::nullopt);  // opens, but is a directory
  EXPECT_EQ(read_file("/nowhere/at/all", buffer), "");
  EXPECT_EQ(read_file("/proc", buffer), "");
  EXPECT_EQ(errno, 4711);
}

}  // namespace
