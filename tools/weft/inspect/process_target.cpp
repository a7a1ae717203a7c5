// A live process, read by process_vm_readv: it is not stopped, and its threads do not notice; but for the stacks of those
// that run, which are stopped one by one (look_at_thread).
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include "inspect/stopped_thread.h"
#include "inspect/target.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process_memory.h"
#include "os/process_threads.h"

namespace weft::tool {
namespace {

class process_target final : public target {
 public:
  explicit process_target(int pid) : pid_(pid), folder_("/proc/" + std::to_string(pid)) {
    if (::kill(pid, 0) != 0 && errno == ESRCH) throw inspection_error("there is no process " + std::to_string(pid));
    std::getline(std::ifstream(folder_ + "/comm"), name_);
    load_files();
  }

  using target::read;
  void read(std::span<piece> pieces) override {
    while (!pieces.empty()) pieces = pieces.subspan(read_some(pieces));
  }
  const std::vector<mapped_file>& files() const override { return files_; }
  std::optional<std::int64_t> now_ns() const override { return os::monotonic_ns(); }
  debug::whose whose_addresses() const override { return debug::whose::process(pid_); }

  // A thread that is blocked in the kernel is not disturbed: some calls would return EINTR. One that runs is stopped for as
  // long as its registers and its stack take to copy.
  thread_look look_at_thread(int id, std::uint64_t top) override {
    for (int attempt = 0; attempt < 3; ++attempt) {
      const std::string place = blocked_place(id);
      thread_look look;
      std::uint64_t sp = 0, pc = 0;
      if (!parse_blocked_place(place, sp, pc)) break;
      look.registers.set(arch::registers::sp, sp);
      look.registers.set(arch::registers::pc, pc);
      look.stack = stack(sp, stack_end(sp, top));
      if (place == blocked_place(id)) return look;
    }
    thread_look look;
    const stopped_thread stopped(id);
    if (const auto registers = stopped.registers()) {
      look.registers = *registers;
      const std::uint64_t sp = registers->value[arch::registers::sp];
      look.stack = stack(sp, stack_end(sp, top));
    } else {
      look.problem = "thread " + std::to_string(id) + " could not be stopped: " + std::strerror(stopped.error());
    }
    return look;
  }

  std::string title() const override { return "process " + std::to_string(pid_) + " (" + name_ + ")"; }

 private:
  // The stack that the pointer is in: the goroutine's, or another one (of a signal handler).
  static std::uint64_t stack_end(std::uint64_t sp, std::uint64_t top) {
    constexpr std::uint64_t page = 4096, largest = std::uint64_t{1} << 40;
    return sp < top && top - sp < largest ? top : (sp / page + 1) * page;
  }

  // "0 0x3 … 0x7ffd12 0x7f33": the call, its arguments, stack pointer and program counter; or "running".
  std::string blocked_place(int thread) const {
    std::string line;
    std::getline(std::ifstream(folder_ + "/task/" + std::to_string(thread) + "/syscall"), line);
    return line;
  }
  static bool parse_blocked_place(const std::string& line, std::uint64_t& sp, std::uint64_t& pc) {
    std::istringstream in(line);
    std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
    if (words.size() < 3) return false;
    pc = std::strtoull(words.back().c_str(), nullptr, 16);
    sp = std::strtoull(words[words.size() - 2].c_str(), nullptr, 16);
    return sp != 0 && pc != 0;
  }

  // Reads from the front; returns how many pieces are done with, at least one.
  std::size_t read_some(std::span<piece> pieces) {
    constexpr std::size_t most = 512;
    iovec here[most], there[most];
    const std::size_t count = std::min(pieces.size(), most);
    for (std::size_t i = 0; i < count; ++i) {
      here[i] = {pieces[i].into, pieces[i].bytes};
      there[i] = {reinterpret_cast<void*>(pieces[i].at), pieces[i].bytes};
    }
    const ssize_t got = os::read_process_memory(pid_, {here, count}, {there, count});
    if (got == -ESRCH) throw inspection_error(title() + " ended while it was looked at");
    if (got == -EPERM || got == -EACCES || got == -ENOSYS) refuse();
    auto left = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    std::size_t done = 0;
    for (; done < count && left >= pieces[done].bytes; ++done) {
      left -= pieces[done].bytes;
      pieces[done].is_read = true;
    }
    return done == count ? count : done + 1;  // the one that is not there is skipped
  }

  void load_files() {
    std::ifstream maps(folder_ + "/maps");
    if (!maps) refuse();
    for (std::string line; std::getline(maps, line);) {
      mapped_file file;
      int path_at = 0;
      if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &file.start, &file.end,
                      &file.offset, &path_at) != 3)
        continue;
      file.path = line.substr(std::min(static_cast<std::size_t>(path_at), line.size()));
      if (file.path.starts_with('/') || file.path == "[vdso]") files_.push_back(std::move(file));
    }
    if (files_.empty()) refuse();
  }

  std::string status_field(const std::string& wanted) const {
    std::ifstream status(folder_ + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(wanted + ":\t")) return line.substr(wanted.size() + 2);
    return {};
  }

  bool is_kernel_thread() const {
    constexpr unsigned kernel_thread = 0x0020'0000;  // PF_KTHREAD
    const std::string stat = os::read_file(folder_ + "/stat").value_or("");
    const std::string_view text = os::stat_field(stat, 9);
    unsigned flags = 0;
    std::from_chars(text.data(), text.data() + text.size(), flags);
    return (flags & kernel_thread) != 0;
  }

  // Says why this process may not be looked at, as far as can be told from outside.
  [[noreturn]] void refuse() const {
    const std::string state = status_field("State");
    if (state.empty()) throw inspection_error("there is no process " + std::to_string(pid_) + " any more");
    if (state.starts_with('Z') || state.starts_with('X'))
      throw inspection_error(title() + " has ended; its parent has not collected it yet");
    if (is_kernel_thread()) throw inspection_error(title() + " is a thread of the kernel");
    if (status_field("VmSize").empty()) throw inspection_error(title() + " has ended; its memory is gone already");
    unsigned owner = 0;
    std::sscanf(status_field("Uid").c_str(), "%u", &owner);
    const std::string again = ": sudo weft ps " + std::to_string(pid_);
    if (::geteuid() != 0 && owner != ::geteuid())
      throw inspection_error(title() + " belongs to user " + std::to_string(owner) + "; look as that user or as root" +
                             again);
    int yama = 0;
    std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> yama;
    if (yama == 1)
      throw inspection_error(title() +
                             " may not be looked at: kernel.yama.ptrace_scope is 1, so only its parents may.\n"
                             "Start it with WEFT_DEBUG=inspect=1, look as root" +
                             again + ", or set that to 0");
    if (yama > 1)
      throw inspection_error(title() + " may not be looked at: kernel.yama.ptrace_scope is " + std::to_string(yama) +
                             ", so only root may" + again);
    throw inspection_error(
        title() +
        " may not be looked at: it is not dumpable (it changed its user, or its program file is "
        "not readable),\nor a sandbox refuses process_vm_readv; look as root, from outside the container" +
        again);
  }

  int pid_;
  std::string folder_, name_;
  std::vector<mapped_file> files_;
};

}  // namespace

std::unique_ptr<target> open_process(int pid) { return std::make_unique<process_target>(pid); }

}  // namespace weft::tool
