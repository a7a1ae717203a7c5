// The layers of the machine: an include may only point down.
//
// Each folder of src/ and each public header belongs to a layer, and each layer has a height. A file may include its own
// layer and lower ones; neighbours at the same height do not know each other. A new folder or public header gets a line
// in the tables below: without one the test fails, so that nothing slips in between the layers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <string>

namespace {

namespace fs = std::filesystem;

const fs::path root = WEFT_SOURCE_DIR;

const std::map<std::string, int> height = {
    {"base", 0}, {"arch", 1},    {"os", 1},   {"trace", 2}, {"stack", 3}, {"sched", 4}, {"chan", 5},   {"sync", 6},
    {"time", 6}, {"context", 7}, {"poll", 8}, {"io", 9},    {"net", 10},  {"http", 11}, {"debug", 12}, {"testing", 13}, {"tools", 14},
    {"process", 10}, {"hook", 10},
};

// Public headers, below include/weft/. A header that is missing here belongs to the layer of its name, if there is one.
const std::map<std::string, std::string> layer_of_header = {
    {"atomic.h", "base"},  {"pause.h", "base"},         {"spinlock.h", "base"},        {"expected.h", "base"},        {"stack_page.h", "base"},
    {"keep_frame.h", "base"}, {"timer_kind.h", "base"},
    {"error.h", "base"},   {"clock.h", "base"},         {"version.h", "base"},         {"newborn.h", "sched"}, {"group.h", "sched"},
    {"waiter.h", "sched"}, {"runtime.h", "sched"},      {"local.h", "sched"},          {"channel.h", "chan"},
    {"select.h", "chan"},  {"mutex.h", "sync"},         {"rw_mutex.h", "sync"},        {"cond.h", "sync"},
    {"once.h", "sync"},    {"wait_group.h", "sync"},    {"semaphore.h", "sync"},       {"pool.h", "sync"},
    {"sync.h", "sync"},    {"single_flight.h", "sync"}, {"context_node.h", "context"}, {"task_group.h", "context"},
    {"virtual_clock.h", "testing"}, {"testing_gtest.h", "testing"}, {"weft.h", "tools"},
    {"os.h", "process"},   {"file.h", "process"},       {"pipe.h", "process"},         {"command.h", "process"},
    {"signals.h", "process"}, {"exploring.h", "sched"},
    {"address.h", "net"},        {"socket.h", "net"},           {"stream.h", "net"},
    {"tcp.h", "net"},      {"udp.h", "net"},            {"unix.h", "net"},             {"resolve.h", "net"},
};

std::string layer_of_public(const fs::path& header) {
  const auto known = layer_of_header.find(header.filename());
  return known != layer_of_header.end() ? known->second : header.stem().string();
}

std::string layer_of_file(const fs::path& relative) {
  const auto part = std::next(relative.begin());  // src/LAYER/file or include/weft/file
  return *relative.begin() == "src" ? part->string() : layer_of_public(relative);
}

// "layer/file.h" and <weft/file.h>; everything else is the system's.
std::optional<std::string> layer_of_target(const std::string& target, bool is_quoted) {
  if (target.starts_with("weft/")) return layer_of_public(target);
  if (is_quoted) return target.substr(0, target.find('/'));
  return std::nullopt;
}

void for_each_line(const std::function<void(const fs::path& file, int number, const std::string& line)>& visit) {
  for (const char* top : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (!entry.is_regular_file()) continue;
      const fs::path file = fs::relative(entry.path(), root);
      std::ifstream in(entry.path());
      int number = 0;
      for (std::string line; std::getline(in, line);) visit(file, ++number, line);
    }
  }
}

TEST(layers, includes_point_down) {
  const std::regex include_of(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  std::size_t checked = 0;
  for_each_line([&](const fs::path& file, int number, const std::string& line) {
    std::smatch match;
    if (!std::regex_match(line, match, include_of)) return;
    const auto target = layer_of_target(match[2], match[1] == "\"");
    if (!target) return;
    const std::string from = layer_of_file(file);
    const std::string where = file.string() + ':' + std::to_string(number) + ": ";
    ASSERT_TRUE(height.contains(from)) << where << "the file belongs to no layer; give '" << from << "' one";
    ASSERT_TRUE(height.contains(*target)) << where << match[2] << " belongs to no layer; give it one";
    EXPECT_TRUE(from == *target || height.at(*target) < height.at(from))
        << where << from << " includes " << match[2] << " of " << *target << ", which is not below it";
    ++checked;
  });
  EXPECT_GT(checked, 20U) << "the sources were not found";
}

TEST(layers, public_headers_include_public_headers_only) {
  const std::regex quoted_include(R"(^\s*#\s*include\s*".*)");
  for_each_line([&](const fs::path& file, int number, const std::string& line) {
    if (*file.begin() != "include") return;
    EXPECT_FALSE(std::regex_match(line, quoted_include))
        << file << ':' << number << ": " << line << "\nonly <weft/…> is installed";
  });
}

TEST(layers, atomics_have_one_door) {
  const std::regex other_door(R"(#\s*include\s*<(atomic|stdatomic\.h)>|__atomic_|__sync_)");
  for_each_line([&](const fs::path& file, int number, const std::string& line) {
    if (file == "include/weft/detail/atomic.h") return;
    EXPECT_FALSE(std::regex_search(line, other_door))
        << file << ':' << number << ": " << line << "\nuse base/atomic.h: the model checker replaces it";
  });
}

TEST(layers, assembly_and_cpu_conditionals_stay_in_arch) {
  const std::regex assembly(R"(\basm\s*(volatile)?\s*\(|#.*\b__(x86_64|aarch64)__\b)");
  for_each_line([&](const fs::path& file, int number, const std::string& line) {
    if (layer_of_file(file) == "arch" || file == "include/weft/detail/pause.h") return;
    EXPECT_FALSE(std::regex_search(line, assembly)) << file << ':' << number << ": " << line;
  });
}

}  // namespace
