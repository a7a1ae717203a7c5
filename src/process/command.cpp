#include <weft/os/command.h>

#include <algorithm>
#include <csignal>

#include <unistd.h>

#include <weft/io.h>
#include <weft/runtime.h>
#include <weft/wait_group.h>

#include "os/child.h"
#include "os/descriptor.h"
#include "os/stream.h"
#include "process/command_process.h"
#include "process/failure.h"

namespace weft::os {

struct command::plan {
  std::string program;
  std::vector<std::string> arguments;  // with the program's name first
  std::vector<std::pair<std::string, std::string>> added;
  bool keeps_environment = true;
  std::string directory;
  stdio streams[3] = {stdio::inherit(), stdio::inherit(), stdio::inherit()};
  std::optional<std::string> input;
  bool own_group = false;

  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] bool has_zero_byte() const;
  [[nodiscard]] std::string description() const { return directory.empty() ? program : program + " in " + directory; }
};

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// The child's ends of pipes, until it has them.
class lent_descriptors {
 public:
  ~lent_descriptors() {
    for (const int fd : fds_)
      if (fd >= 0) close_descriptor(fd);
  }
  int keep(int stream, int fd) noexcept { return fds_[stream] = fd; }

 private:
  int fds_[3] = {-1, -1, -1};
};

result<void> read_to_end(pipe_reader& from, const context* ctx, std::string& into) {
  constexpr std::size_t piece = 16 * 1024;
  while (true) {
    const std::size_t filled = into.size();
    into.resize(filled + piece);
    const auto space = std::span(into).subspan(filled);
    const auto got = ctx ? from.read(*ctx, space) : from.read(space);
    into.resize(filled + got.value_or(0));
    if (!got) return fail(got);
    if (*got == 0) return {};
  }
}

}  // namespace

std::vector<std::string> command::plan::environment() const {
  std::vector<std::string> entries;
  const auto is_replaced = [&](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('='));
    return std::ranges::any_of(added, [&](const auto& pair) { return pair.first == name; });
  };
  for (char** entry = environ; keeps_environment && entry && *entry; ++entry)
    if (!is_replaced(*entry)) entries.emplace_back(*entry);
  for (const auto& [name, value] : added) entries.push_back(name + '=' + value);
  return entries;
}

// Such a text would end there for the kernel.
bool command::plan::has_zero_byte() const {
  const auto has_zero = [](const std::string& text) { return text.find('\0') != text.npos; };
  return std::ranges::any_of(arguments, has_zero) || has_zero(directory) ||
         std::ranges::any_of(added, [&](const auto& pair) { return has_zero(pair.first) || has_zero(pair.second); });
}

command::command(std::string program, std::vector<std::string> arguments) : plan_(std::make_unique<plan>()) {
  plan_->program = std::move(program);
  plan_->arguments = std::move(arguments);
  plan_->arguments.insert(plan_->arguments.begin(), plan_->program);
}

command::command(command&&) noexcept = default;
command& command::operator=(command&& other) noexcept {
  command taken(std::move(other));
  std::swap(plan_, taken.plan_);
  std::swap(process_, taken.process_);
  return *this;
}

command::~command() {
  if (!process_) return;
  process_->streams = {};
  if (process_->take() == EAGAIN) go({.name = "os::command"}, [child = std::move(process_)] { child->wait(nullptr); });
}

command::plan& command::unstarted(const char* op) {
  if (!plan_) throw misuse(std::string("os::command: ") + op + " of a command that was moved from");
  if (process_) throw misuse(std::string("os::command: ") + op + " of " + plan_->program + " after start()");
  return *plan_;
}

command::process& command::running(const char* op) const {
  if (!process_) throw misuse(std::string("os::command: ") + op + " before start()");
  return *process_;
}

command& command::env(std::string name, std::string value) {
  auto& added = unstarted("env").added;
  if (name.empty() || name.find('=') != name.npos) throw misuse("os::command: env of a name that cannot be: '" + name + "'");
  std::erase_if(added, [&](const auto& pair) { return pair.first == name; });
  added.emplace_back(std::move(name), std::move(value));
  return *this;
}

command& command::clear_env() {
  unstarted("clear_env").keeps_environment = false;
  return *this;
}

command& command::directory(std::string path) {
  unstarted("directory").directory = std::move(path);
  return *this;
}

command& command::in(stdio where) {
  if (where.what_ == stdio::kind::with_out) throw misuse("os::command: with_out() is for errors, not for input");
  unstarted("in").streams[0] = where;
  return *this;
}

command& command::out(stdio where) {
  if (where.what_ == stdio::kind::with_out) throw misuse("os::command: with_out() is for errors, not for output");
  unstarted("out").streams[1] = where;
  return *this;
}

command& command::err(stdio where) {
  unstarted("err").streams[2] = where;
  return *this;
}

command& command::input(std::string text) {
  unstarted("input").input = std::move(text);
  return *this;
}

command& command::own_group(bool wanted) {
  unstarted("own_group").own_group = wanted;
  return *this;
}

// A pipe between this process and the child: our end parks goroutines, the child's blocks, as programs expect.
result<int> command::process_streams::connect(int stream) {
  int fds[2];
  if (const int failed = make_blocking_pipe(fds)) return failure(failed, "pipe");
  const bool child_reads = stream == 0;
  const int ours = fds[child_reads ? 1 : 0], theirs = fds[child_reads ? 0 : 1];
  result<void> adopted;
  if (child_reads) {
    if (auto end = pipe_writer::adopt(ours)) in = std::move(*end);
    else adopted = fail(end);
  } else {
    if (auto end = pipe_reader::adopt(ours)) (stream == 1 ? out : err) = std::move(*end);
    else adopted = fail(end);
  }
  if (adopted) return theirs;
  close_descriptor(ours);
  close_descriptor(theirs);
  return fail(adopted);
}

result<void> command::start() {
  plan& p = unstarted("start");
  if (p.has_zero_byte()) return failure(EINVAL, "start", p.description());
  process_streams ends;
  lent_descriptors lent;
  int streams[3];
  for (int stream = 0; stream < 3; ++stream) {
    const stdio& wanted = p.streams[stream];
    switch (wanted.what_) {
      case stdio::kind::same: streams[stream] = stream; break;
      case stdio::kind::null: streams[stream] = -1; break;
      case stdio::kind::with_out: streams[stream] = streams[1]; break;
      case stdio::kind::descriptor:
        if (wanted.fd_ < 0) return failure(EBADF, "start", p.description());
        streams[stream] = wanted.fd_;
        break;
      case stdio::kind::pipe: {
        const auto theirs = ends.connect(stream);
        if (!theirs) return failure(theirs.error().code().value(), "start", p.description());
        streams[stream] = lent.keep(stream, *theirs);
      }
    }
  }
  const std::vector<std::string> environment = p.environment();
  const std::vector<char*> arguments = pointers(p.arguments), variables = pointers(environment);
  const child_plan recipe{.program = p.program.c_str(), .arguments = arguments.data(), .environment = variables.data(),
                          .directory = p.directory.empty() ? nullptr : p.directory.c_str(),
                          .streams = {streams[0], streams[1], streams[2]}, .own_group = p.own_group};
  const pid_t child = blocking([&] { return start_child(recipe); });
  if (child < 0) return failure(child, "start", p.description());
  process_ = std::make_shared<process>(child, p.own_group, std::move(ends));
  return {};
}

pipe_writer& command::in_pipe() {
  pipe_writer& end = running("in_pipe").streams.in;
  return end ? end : throw misuse("os::command: in_pipe without in(stdio::pipe())");
}

pipe_reader& command::out_pipe() {
  pipe_reader& end = running("out_pipe").streams.out;
  return end ? end : throw misuse("os::command: out_pipe without out(stdio::pipe())");
}

pipe_reader& command::err_pipe() {
  pipe_reader& end = running("err_pipe").streams.err;
  return end ? end : throw misuse("os::command: err_pipe without err(stdio::pipe())");
}

pid_t command::pid() const { return running("pid").pid; }

result<void> command::signal(int number) {
  if (const int failed = running("signal").send(number)) return failure(failed, "signal", plan_->program);
  return {};
}

result<void> command::kill() { return signal(SIGKILL); }

result<exit_status> command::wait_with(const context* ctx) {
  process& child = running("wait");
  int failed = child.wait(ctx);
  const bool gave_up = failed != 0 && ctx && ctx->cancelled();
  if (gave_up) {
    child.send(SIGKILL);
    failed = child.wait(nullptr);
  }
  if (failed) return failure(failed, "wait", plan_->program);
  if (gave_up) return failure(ctx->err().code().value(), "wait", plan_->program);
  return *child.status;  // set once, and seen to be set
}

result<exit_status> command::wait() { return wait_with(nullptr); }
result<exit_status> command::wait(const context& ctx) { return wait_with(&ctx); }

// Feeds the child and reads it at the same time: either pipe may be full before the other has moved.
result<exit_status> command::run_with(const context* ctx, std::string* output) {
  plan& p = unstarted("run");
  if (p.input) in(stdio::pipe());
  if (output) out(stdio::pipe());
  if (auto started = start(); !started) return fail(started);
  process& child = *process_;
  wait_group feeder;
  if (p.input)
    feeder.go([&] {
      (void)child.streams.in.write(*p.input);  // a child may end without reading
      child.streams.in.close();
    });
  result<void> heard;
  if (output) heard = read_to_end(child.streams.out, ctx, *output);
  auto end = wait_with(ctx);
  if (p.input) child.streams.in.close();  // others may hold the reading end
  feeder.wait();
  if (end && !heard) return fail(heard, "read");
  return end;
}

result<exit_status> command::run() { return run_with(nullptr, nullptr); }
result<exit_status> command::run(const context& ctx) { return run_with(&ctx, nullptr); }

result<std::string> command::output_of(const context* ctx) {
  std::string text;
  const auto end = run_with(ctx, &text);
  if (!end) return fail(end);
  if (!end->success()) return fail(error(end->error_code(), "run", plan_->program));
  return text;
}

result<std::string> command::output() { return output_of(nullptr); }
result<std::string> command::output(const context& ctx) { return output_of(&ctx); }
result<std::string> command::combined_output() { return err(stdio::with_out()).output_of(nullptr); }
result<std::string> command::combined_output(const context& ctx) { return err(stdio::with_out()).output_of(&ctx); }

}  // namespace weft::os
