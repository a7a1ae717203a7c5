#include "os/crash_note.h"

#include <csignal>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <unistd.h>

#include "base/atomic.h"
#include "os/replace_handler.h"

namespace weft::os {
namespace {

constexpr int slots = 8;
constexpr int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t signal_count = sizeof signals / sizeof *signals;
constexpr std::size_t longest = 240;

struct note {
  base::atomic<bool> is_used{false};
  base::atomic<std::size_t> length{0};  // 0 while the text changes
  char text[longest + 1] = {};
};

constinit note notes[slots];
constinit std::mutex install_lock;  // guards the two below
constinit int installed = 0;
struct sigaction before[signal_count];

// The former handler gets the signal as if we had never been here: an access to no memory happens again on return, an
// abort() raises again, and what was sent by somebody is sent again.
void write_notes(int signal, siginfo_t* info, void*) {
  for (const note& n : notes)
    if (const std::size_t length = n.length.load(base::acquire); n.is_used.load(base::acquire) && length != 0)
      [[maybe_unused]] auto written = ::write(STDERR_FILENO, n.text, length);
  for (std::size_t i = 0; i < signal_count; ++i)
    if (signals[i] == signal) ::sigaction(signal, &before[i], nullptr);
  if (info->si_code <= 0) ::raise(signal);  // not by the kernel: delivered once this handler has returned
}

void install() {
  struct sigaction ours{};
  ours.sa_sigaction = write_notes;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (std::size_t i = 0; i < signal_count; ++i) replace_handler(signals[i], ours, before[i]);
}

void uninstall() {
  for (std::size_t i = 0; i < signal_count; ++i) ::sigaction(signals[i], &before[i], nullptr);
}

}  // namespace

crash_note::crash_note() noexcept : slot_(-1) {
  std::lock_guard hold(install_lock);
  if (installed++ == 0) install();
  for (int i = 0; i < slots && slot_ < 0; ++i)
    if (!notes[i].is_used.exchange(true, base::acq_rel)) slot_ = i;
}

crash_note::~crash_note() {
  if (slot_ >= 0) {
    notes[slot_].length.store(0, base::release);
    notes[slot_].is_used.store(false, base::release);
  }
  std::lock_guard hold(install_lock);
  if (--installed == 0) uninstall();
}

void crash_note::set(std::string_view text) noexcept {
  if (slot_ < 0) return;
  note& n = notes[slot_];
  n.length.store(0, base::release);
  const std::size_t length = text.size() < longest ? text.size() : longest;
  std::memcpy(n.text, text.data(), length);
  n.text[length] = '\n';
  n.length.store(length + 1, base::release);
}

}  // namespace weft::os
