// The parent's side of a run. The child is this program again (or the Go twins' program); it writes one line of JSON on
// its standard output when it is done. Meanwhile the parent reads /proc/PID/status now and then, for peaks that the
// child cannot see itself, and forwards progress. Peak memory is not ru_maxrss: that begins with the parent's own size.
#include "runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "format.h"
#include "go_twin.h"
#include "proc_status.h"
#include "sheet.h"

namespace weft::lab {
namespace {

constexpr std::size_t kept_output = 64 * 1024;

struct peaks {
  double resident_bytes = 0, page_table_bytes = 0, memory_bytes = 0, reserved_bytes = 0;
  long threads = 0;

  void look_at(pid_t pid) {
    const proc_status now = read_proc_status(pid);
    resident_bytes = std::max(resident_bytes, now.peak_resident_bytes);
    page_table_bytes = std::max(page_table_bytes, now.page_table_bytes);
    memory_bytes = std::max(memory_bytes, now.memory_bytes());
    reserved_bytes = std::max(reserved_bytes, now.reserved_bytes);
    threads = std::max(threads, now.threads);
  }
};

// The parent's end of a pipe, and what came through it so far.
struct stream {
  int fd = -1;
  std::string text;

  bool is_open() const { return fd >= 0; }
  void read_some() {
    char chunk[4096];
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got > 0) {
      if (text.size() < kept_output) text.append(chunk, static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      ::close(fd);
      fd = -1;
    }
  }
};

std::vector<std::string> command_line(const experiment& e, const job& what, const arguments& all) {
  std::vector<std::string> words;
  if (what.who == kind::go)
    words = {go_twin_path(), std::string(e.id), what.form.empty() ? "-" : what.form};
  else
    words = {"/proc/self/exe", "lab", "--child", std::string(e.id), std::string(kind_word(what.who)) + '/' + what.form};
  for (const auto& [name, value] : all) words.push_back(name + '=' + std::to_string(value));
  return words;
}

[[noreturn]] void become_child(const std::vector<std::string>& words, int out, int err, int progress) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (progress == progress_fd)
    ::fcntl(progress, F_SETFD, 0);
  else
    ::dup2(progress, progress_fd);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  std::fprintf(stderr, "cannot start %s: %s\n", argv[0], std::strerror(errno));
  ::_exit(127);
}

class progress_page {
 public:
  progress_page() : fd_(::memfd_create("weft-lab-progress", MFD_CLOEXEC)) {
    if (::ftruncate(fd_, sizeof(shared_progress)) == 0)
      page_ = ::mmap(nullptr, sizeof(shared_progress), PROT_READ, MAP_SHARED, fd_, 0);
  }
  ~progress_page() {
    if (page_ != MAP_FAILED) ::munmap(page_, sizeof(shared_progress));
    ::close(fd_);
  }
  progress_page(const progress_page&) = delete;
  progress_page& operator=(const progress_page&) = delete;

  int fd() const { return fd_; }
  double fraction() const {
    if (page_ == MAP_FAILED) return 0;
    const auto* shared = static_cast<const shared_progress*>(page_);
    const auto total = static_cast<double>(shared->total.load(std::memory_order_relaxed));
    return total == 0 ? 0 : std::min(1.0, static_cast<double>(shared->done.load(std::memory_order_relaxed)) / total);
  }

 private:
  int fd_;
  void* page_ = MAP_FAILED;
};

// Reads both pipes to their end, or kills the child at the deadline (then false).
bool follow(pid_t pid, stream& out, stream& err, peaks& most, double timeout_s, const std::function<void()>& tick) {
  stopwatch running;
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 2> waiting{{{out.fd, POLLIN, 0}, {err.fd, POLLIN, 0}}};  // poll passes over a negative fd
    ::poll(waiting.data(), waiting.size(), running.seconds() < 1 ? 10 : 50);
    if (waiting[0].revents) out.read_some();
    if (waiting[1].revents) err.read_some();
    most.look_at(pid);
    tick();
    if (running.seconds() < timeout_s) continue;
    ::kill(pid, SIGKILL);
    if (out.is_open()) ::close(out.fd);
    if (err.is_open()) ::close(err.fd);
    return false;
  }
  return true;
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

void add_usage(outcome& result, const rusage& used, const peaks& most) {
  auto& f = result.figures;
  f["user_s"] = seconds(used.ru_utime);
  f["sys_s"] = seconds(used.ru_stime);
  f["cpu_s"] = f["user_s"] + f["sys_s"];
  f["voluntary"] = static_cast<double>(used.ru_nvcsw);
  f["switches"] = static_cast<double>(used.ru_nvcsw + used.ru_nivcsw);
  f["involuntary"] = static_cast<double>(used.ru_nivcsw);
  const double resident = f.contains("hwm_bytes") ? std::max(f["hwm_bytes"], most.resident_bytes) : most.resident_bytes;
  f.erase("hwm_bytes");
  f["peak_bytes"] = resident + most.page_table_bytes;
  if (f.contains("tasks") && f["tasks"] > 0)
    f["peak_each_bytes"] = std::max(0.0, f["peak_bytes"] - f["base_bytes"]) / f["tasks"];
  f["page_table_bytes"] = most.page_table_bytes;
  f["peak_reserved_bytes"] = most.reserved_bytes;
  f.try_emplace("peak_threads", static_cast<double>(most.threads));  // a body that counted itself knows better
}

// The last line that says something.
std::string last_words(const std::string& text, int status) {
  if (const auto at = text.find("weft: fatal: "); at != std::string::npos)
    return text.substr(at, text.find('\n', at) - at);
  auto end = text.find_last_not_of(" \n\t");
  if (end != std::string::npos) {
    const auto start = text.rfind('\n', end);
    return text.substr(start == std::string::npos ? 0 : start + 1,
                       end - (start == std::string::npos ? 0 : start + 1) + 1);
  }
  if (WIFSIGNALED(status)) return std::string("killed by ") + ::strsignal(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

void read_answer(outcome& result, const std::string& text) {
  const auto answer = nlohmann::json::parse(text, nullptr, false);
  if (answer.is_discarded() || !answer.is_object()) {
    result.note = "no figures: " + text.substr(0, 200);
    return;
  }
  const std::string status = answer.value("status", "ok");
  result.status = status == "ok"        ? outcome::state::ok
                  : status == "limited" ? outcome::state::limited
                                        : outcome::state::refused;
  result.note = answer.value("note", "");
  if (answer.contains("figures"))
    for (const auto& [name, value] : answer["figures"].items()) result.figures[name] = value.get<double>();
  if (answer.contains("curves")) answer["curves"].get_to(result.curves);
}

}  // namespace

const char* to_string(outcome::state status) {
  switch (status) {
    case outcome::state::ok: return "ok";
    case outcome::state::limited: return "limited";
    case outcome::state::refused: return "refused";
    case outcome::state::timed_out: return "timed out";
    case outcome::state::failed: return "failed";
  }
  return "?";
}

outcome run_job(const experiment& e, const job& what, const arguments& parameters, run_limits limits,
                const progress_listener& progress) {
  arguments all = what.extra;
  all.insert(parameters.begin(), parameters.end());
  const auto words = command_line(e, what, all);

  int out_pipe[2], err_pipe[2];
  outcome result;
  result.what = what;
  for (const auto& [name, value] : what.extra) result.figures[name] = static_cast<double>(value);
  if (::pipe2(out_pipe, O_CLOEXEC) != 0 || ::pipe2(err_pipe, O_CLOEXEC) != 0) {
    result.note = std::string("pipe: ") + std::strerror(errno);
    return result;
  }
  const progress_page page;
  const pid_t pid = ::fork();
  if (pid == 0) become_child(words, out_pipe[1], err_pipe[1], page.fd());
  ::close(out_pipe[1]);
  ::close(err_pipe[1]);
  stream out{out_pipe[0], {}}, err{err_pipe[0], {}};
  if (pid < 0) {
    result.note = std::string("fork: ") + std::strerror(errno);
    return result;
  }

  peaks most;
  const bool in_time = follow(pid, out, err, most, limits.timeout_s, [&] { progress(page.fraction()); });
  int status = 0;
  rusage used{};
  while (::wait4(pid, &status, 0, &used) < 0 && errno == EINTR) {}

  if (!in_time) {
    result.status = outcome::state::timed_out;
    result.note = "stopped after " + format("_s", limits.timeout_s) + "; to wait longer: --timeout";
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    result.note = last_words(err.text, status);
  } else {
    read_answer(result, out.text);
  }
  add_usage(result, used, most);
  return result;
}

}  // namespace weft::lab
