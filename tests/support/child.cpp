#include "support/child.h"

#include "support/eventually.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <ostream>
#include <string_view>

extern char** environ;

namespace support {
namespace {

std::map<std::string, scenario_fn>& scenarios() {
  static std::map<std::string, scenario_fn> table;
  return table;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& replacements) {
  const auto name = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> merged = replacements;
  for (char** entry = environ; *entry; ++entry) {
    const bool replaced = std::any_of(replacements.begin(), replacements.end(),
                                      [&](const std::string& r) { return name(r) == name(*entry); });
    if (!replaced) merged.emplace_back(*entry);
  }
  return merged;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct pipe_pair {
  int read_end = -1, write_end = -1;
  pipe_pair() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == 0) read_end = ends[0], write_end = ends[1];
  }
  ~pipe_pair() {
    ::close(read_end);
    if (write_end >= 0) ::close(write_end);
  }
  pipe_pair(const pipe_pair&) = delete;
  pipe_pair& operator=(const pipe_pair&) = delete;
  void close_write() {
    ::close(write_end);
    write_end = -1;
  }
};

// Collects both pipes until both are closed. False: the deadline passed first.
bool drain(pipe_pair& out, pipe_pair& err, child_result& result, weft::clock::time_point deadline) {
  pollfd fds[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
  std::string* const texts[2] = {&result.out, &result.err};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - weft::clock::now()).count();
    if (left <= 0) return false;
    ::poll(fds, 2, static_cast<int>(left));
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[4096];
      const auto n = ::read(fds[i].fd, buffer, sizeof buffer);
      if (n > 0) texts[i]->append(buffer, static_cast<std::size_t>(n));
      if (n <= 0) fds[i].fd = -1;
    }
  }
  return true;
}

// Under Valgrind /proc/self/exe is Valgrind, but the path that it leads to is the program's. Elsewhere it is right also when
// there is another file at that path by now.
std::string own_program() {
  const std::string link = "/proc/self/exe";
  char path[4096];
  const ssize_t length = ::readlink(link.c_str(), path, sizeof path - 1);
  if (length <= 0) return link;
  path[length] = '\0';
  return ::access(path, X_OK) == 0 ? path : link;
}

void record_end(child_result& result, int status, const rusage& usage) {
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

bool register_child(const char* name, scenario_fn fn) { return scenarios().emplace(name, fn).second; }

scenario_fn find_child(const std::string& name) {
  const auto found = scenarios().find(name);
  return found == scenarios().end() ? nullptr : found->second;
}

child_result run_child(const std::string& scenario, const std::vector<std::string>& env, std::chrono::seconds limit) {
  child_result result;
  if (!find_child(scenario)) {
    result.err = "no such scenario: " + scenario;
    return result;
  }
  pipe_pair out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, 2);
  const std::string program = own_program();
  std::vector<std::string> arguments = {program, "--child", scenario};
  std::vector<std::string> environment = merged_environment(env);
  const auto start = weft::clock::now();
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, pointers_to(arguments).data(),
                                   pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed) {
    result.err = "posix_spawn failed";
    return result;
  }
  out.close_write();
  err.close_write();
  if (!drain(out, err, result, start + stretched(limit))) {
    result.timed_out = true;
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  record_end(result, status, usage);
  result.elapsed_seconds = std::chrono::duration<double>(weft::clock::now() - start).count();
  return result;
}

std::ostream& operator<<(std::ostream& out, const child_result& r) {
  return out << "exit status " << r.exit_status << ", signal " << r.signal << (r.timed_out ? ", TIMED OUT" : "")
             << ", " << r.elapsed_seconds << " s\nstdout:\n" << r.out << "\nstderr:\n" << r.err << '\n';
}

}  // namespace support
