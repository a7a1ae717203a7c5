// Random programs of channel, select, close, timer and context operations, decoded from bytes: a seed gives the bytes of a
// loop, libFuzzer makes up its own. Any bytes are a program; those that are missing read as zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <vector>

namespace fuzz {

// The channels of a program: some buffered, a nil one, a timer's, and the done() channels of three contexts, each derived
// from the one before.
inline constexpr int plain_channels = 3, nil_channel = 3, timer_channel = 4, first_done = 5, contexts = 3, channels = 8;
inline constexpr int workers = 4, most_cases = 4;

enum class action : std::uint8_t {
  send, recv, try_send, try_recv, select, try_select, close, cancel, fire_timer, stop_timer
};

struct one_case {
  bool is_send;
  int channel;
  int value;      // what is sent: different in the whole program
  bool is_enabled;
};

struct operation {
  action what;
  std::vector<one_case> cases;  // one, unless it is a select; cancel: channel is that context's done
};

struct step {
  int worker;
  operation op;
};

struct program {
  int capacity[plain_channels];
  bool on_threads[workers];
  std::vector<step> steps;
};

// At most `most_steps` steps, fewer when the bytes run out.
program decode(std::span<const std::uint8_t> bytes, int most_steps);
program random_program(std::uint64_t seed, int most_steps);

std::ostream& operator<<(std::ostream&, const operation&);
std::ostream& operator<<(std::ostream&, const program&);

// What an operation did, as its caller sees it.
struct outcome {
  bool has_ended = false;
  int fired = -1;         // position of the case; -1: a try that found nothing ready
  int received = 0;       // 0: no value
  bool threw = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};
std::ostream& operator<<(std::ostream&, const outcome&);

}  // namespace fuzz
