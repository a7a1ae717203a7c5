// The process that is looked into: started, talked to over pipes, killed when the test is over.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/eventually.h"

namespace inspect {

// A folder of its own, in which core files land too.
class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-inspect-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(path_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class subject {
 public:
  // Waits until it says that it is ready, unless told not to.
  explicit subject(std::vector<std::string> words, const std::string& program = WEFT_SUBJECT,
                   const std::string& folder = ".", const std::vector<std::string>& settings = {}, bool waits = true) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
    words.insert(words.begin(), program);
    std::vector<char*> argv, environment;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    for (const std::string& setting : settings) environment.push_back(const_cast<char*>(setting.c_str()));
    for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
    rlimit cores{};  // as much as is allowed: for "abort"
    ::getrlimit(RLIMIT_CORE, &cores);
    cores.rlim_cur = cores.rlim_max;
    ::setrlimit(RLIMIT_CORE, &cores);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &files, nullptr, argv.data(), environment.data()), 0) << program;
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
    if (!waits) return;
    std::string said;
    while ((said = line()) != "ready") {
      const auto space = said.find(' ');
      if (space == said.npos) break;
      ids_[said.substr(space + 1)].push_back(std::stoull(said));
    }
    EXPECT_EQ(said, "ready");
    for (auto& [name, ids] : ids_) std::ranges::sort(ids);
  }
  ~subject() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      finish();
    }
    ::close(to_);
    ::close(from_);
  }
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;

  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] std::string id() const { return std::to_string(pid_); }
  // The id of the nth goroutine of this name, in the order of their ids.
  [[nodiscard]] std::string id_of(const std::string& name, std::size_t nth = 0) const {
    return std::to_string(ids_.at(name).at(nth));
  }

  void tell(const std::string& word) {
    const std::string text = word + '\n';
    EXPECT_EQ(::write(to_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string line() {
    std::string text;
    const auto deadline = weft::clock::now() + support::stretched(std::chrono::seconds(30));
    while (weft::clock::now() < deadline) {
      if (const auto end = read_.find('\n'); end != read_.npos) {
        text = read_.substr(0, end);
        read_.erase(0, end + 1);
        break;
      }
      pollfd input{from_, POLLIN, 0};
      if (::poll(&input, 1, 100) == 0) continue;
      char block[4096];
      const ssize_t n = ::read(from_, block, sizeof block);
      if (n <= 0) break;
      read_.append(block, static_cast<std::size_t>(n));
    }
    return text;
  }
  int finish() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    finish();
  }

 private:
  pid_t pid_ = 0;
  int to_ = -1, from_ = -1;
  std::string read_;  // and not yet asked for
  std::map<std::string, std::vector<unsigned long long>> ids_;
};

// What a shell command prints, both streams.
struct printed {
  int status = -1;
  std::string text;
};
inline printed shell(const std::string& command) {
  printed result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char block[4096];
  while (const std::size_t n = std::fread(block, 1, sizeof block, pipe)) result.text.append(block, n);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

// The core file that the subject left in `folder`; empty: the system does not leave any there (core_pattern, ulimit).
inline std::filesystem::path core_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("core")) return entry.path();
  return {};
}
#define REQUIRE_CORE(path) \
  if ((path).empty()) GTEST_SKIP() << "no core files here (ulimit -c, /proc/sys/kernel/core_pattern)"

// The one that the program leaves which aborts in that mode by itself.
inline std::filesystem::path core_of_fatal(const char* mode, const std::string& program, const scratch& folder) {
  subject process({mode}, program, folder.path(), {"WEFT_PROCS=1"}, false);
  process.finish();
  return core_in(folder.path());
}

}  // namespace inspect
