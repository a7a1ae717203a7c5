// Connections that are busy and quiet by turns: each goes from events to rounds and back many times (src/poll/rounds.h), and
// no message is ever left lying.
#include "net/pairs.h"
#include "support/everywhere.h"

#include <array>
#include <random>
#include <vector>

namespace {

class net_rounds : public support::everywhere {};
WEFT_EVERYWHERE(net_rounds);

void echo(weft::net::tcp_conn& conn) {
  std::array<char, 64> buffer;
  while (auto got = conn.read(buffer))
    if (*got == 0 || !conn.write(std::string_view(buffer.data(), *got))) return;
}

// Bursts of messages to and fro, and pauses of up to a millisecond in which the server may go back to waiting.
void talk(weft::net::tcp_conn& conn, unsigned seed) {
  std::mt19937 random(seed);
  std::array<char, 64> buffer;
  conn.set_deadline(weft::clock::now() + std::chrono::seconds(30));
  for (int burst = 0; burst < 20; ++burst) {
    for (int message = 0; message < 20; ++message) {
      ASSERT_TRUE(conn.write("to and fro"));
      std::size_t got = 0;
      while (got < 10) {
        auto part = conn.read(buffer);
        ASSERT_TRUE(part) << "burst " << burst << ", message " << message << ": " << part.error().message();
        ASSERT_NE(*part, 0u);
        got += *part;
      }
    }
    weft::sleep(std::chrono::microseconds(random() % 1000));
  }
}

TEST_P(net_rounds, no_message_of_a_busy_connection_is_left_lying) {
  here([] {
    constexpr unsigned count = 64;
    std::vector<support::tcp_pair> pairs;
    for (unsigned i = 0; i < count; ++i) pairs.push_back(support::connected());
    weft::wait_group all;
    for (unsigned i = 0; i < count; ++i) {
      all.go([&, i] { echo(pairs[i].server); });
      all.go([&, i] {
        talk(pairs[i].client, i);
        pairs[i].client.close();
      });
    }
    all.wait();
  });
}

}  // namespace
