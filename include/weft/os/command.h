// Other programs: started, fed, read, waited for, killed.
//
//   weft::os::command make("make", {"-j2"});
//   make.directory("src").env("V", "1").err(weft::os::stdio::with_out()).out(weft::os::stdio::pipe());
//   if (auto started = make.start(); !started) return weft::fail(started);       // also what exec said
//   weft::io::buffered_reader lines(make.out_pipe());
//   while (auto line = lines.read_line()) std::puts(line->c_str());
//   auto end = make.wait(ctx);                                                   // cancelled: killed
//   if (end && !end->success()) std::puts(end->to_string().c_str());             // "exit status 2"
//
//   auto sorted = weft::os::command("sort").input("b\na\n").output();            // all of that in one: "a\nb\n"
//
// The child inherits its three standard streams and no other descriptor. No zombie is left, whatever becomes of a command.
// Waiting parks the goroutine, or the plain thread (pidfd; before Linux 5.3 it is a declared blocking call).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <weft/context.h>
#include <weft/error.h>
#include <weft/os/file.h>
#include <weft/os/pipe.h>

namespace weft::os {

// How a process ended.
class exit_status {
 public:
  static exit_status exited(int code) noexcept { return {code, false, false}; }
  static exit_status killed(int signal, bool dumped_core) noexcept { return {signal, true, dumped_core}; }

  [[nodiscard]] bool success() const noexcept { return !by_signal_ && number_ == 0; }
  [[nodiscard]] std::optional<int> code() const noexcept;    // what it passed to exit()
  [[nodiscard]] std::optional<int> signal() const noexcept;  // what killed it
  [[nodiscard]] bool dumped_core() const noexcept { return dumped_core_; }
  [[nodiscard]] std::string to_string() const;               // "exit status 2", "killed by SIGTERM"
  // For errors: zero on success; else of a category of its own, with to_string() as its message.
  [[nodiscard]] std::error_code error_code() const noexcept;

  friend bool operator==(const exit_status&, const exit_status&) noexcept = default;

 private:
  exit_status(int number, bool by_signal, bool dumped_core) noexcept
      : number_(number), by_signal_(by_signal), dumped_core_(dumped_core) {}
  int number_;
  bool by_signal_;
  bool dumped_core_;
};

// Where one of the child's standard streams leads.
class stdio {
 public:
  static stdio inherit() noexcept { return {kind::same, -1}; }
  static stdio null() noexcept { return {kind::null, -1}; }
  static stdio pipe() noexcept { return {kind::pipe, -1}; }
  static stdio to(const file& f) noexcept { return to(f.native_handle()); }
  static stdio to(int fd) noexcept { return {kind::descriptor, fd}; }  // open until start() has returned
  static stdio with_out() noexcept { return {kind::with_out, -1}; }    // errors only: wherever the output goes

 private:
  friend class command;
  enum class kind { same, null, pipe, descriptor, with_out };
  stdio(kind what, int fd) noexcept : what_(what), fd_(fd) {}
  kind what_;
  int fd_;
};

// Movable. Settings come before start(), which is called once; the same order broken throws misuse. The destructor closes
// the pipes and lets a process that still runs go on; it is taken from the kernel when it ends.
class command {
 public:
  explicit command(std::string program, std::vector<std::string> arguments = {});  // looked up in PATH
  command(command&&) noexcept;
  command& operator=(command&&) noexcept;
  ~command();

  command& env(std::string name, std::string value);  // added to what this process has, or instead of it
  command& clear_env();                               // nothing of what this process has
  command& directory(std::string path);
  command& in(stdio where);                           // all three: inherit()
  command& out(stdio where);
  command& err(stdio where);
  command& input(std::string text);                   // for run() and output(): what it reads, instead of in()
  command& own_group(bool wanted = true);             // signals and kills are for it and its own children too

  // Returns when the child has become the program. The error is that of exec, or of making pipes and processes.
  result<void> start();

  // What pipe() asked for; without it, or before start(), it throws misuse.
  pipe_writer& in_pipe();   // close it to end the child's input
  pipe_reader& out_pipe();
  pipe_reader& err_pipe();

  [[nodiscard]] pid_t pid() const;

  // Blocks until it has ended. Any number of callers, any number of times. A context that is cancelled first kills it (its
  // group, with own_group()), waits for the end, and is the error that is returned.
  result<exit_status> wait();
  result<exit_status> wait(const context& ctx);

  result<void> signal(int number);  // errc::no_such_process: it has been waited for
  result<void> kill();              // SIGKILL

  // start(), input, wait().
  result<exit_status> run();
  result<exit_status> run(const context& ctx);

  // What it writes. Anything but success is an error, "run sort: exit status 2". Grandchildren that keep the pipe open
  // keep this waiting: own_group() and a context end them too.
  result<std::string> output();
  result<std::string> output(const context& ctx);
  result<std::string> combined_output();  // output and errors as they came
  result<std::string> combined_output(const context& ctx);

 private:
  struct plan;
  struct process_streams;
  struct process;
  process& running(const char* op) const;  // throws misuse before start()
  plan& unstarted(const char* op);         // throws misuse after start()
  result<exit_status> wait_with(const context* ctx);
  result<exit_status> run_with(const context* ctx, std::string* output);
  result<std::string> output_of(const context* ctx);

  std::unique_ptr<plan> plan_;
  std::shared_ptr<process> process_;
};

}  // namespace weft::os
