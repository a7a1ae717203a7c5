// Misuse that throws: weft::misuse reaches the caller, and what was misused keeps working as before.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <cstdint>
#include <new>
#include <string>

class misuse_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(misuse_everywhere);

TEST_P(misuse_everywhere, send_on_a_closed_channel_throws_and_the_channel_still_drains) {
  here([&] {
    weft::chan<int> ch(2);
    ch.send(1);
    ch.close();
    EXPECT_THROW(ch.send(2), weft::misuse);
    EXPECT_THROW(ch.try_send(3), weft::misuse);
    EXPECT_EQ(ch.recv(), 1);
    EXPECT_EQ(ch.recv(), std::nullopt);
  });
}

TEST_P(misuse_everywhere, close_of_a_closed_channel_throws) {
  here([&] {
    weft::chan<int> ch;
    ch.close();
    EXPECT_THROW(ch.close(), weft::misuse);
    weft::chan<void> signal;
    signal.close();
    EXPECT_THROW(signal.close(), weft::misuse);
    EXPECT_FALSE(signal.recv());
  });
}

TEST_P(misuse_everywhere, close_of_a_nil_channel_throws) {
  here([&] { EXPECT_THROW(weft::chan<int>(nullptr).close(), weft::misuse); });
}

TEST_P(misuse_everywhere, a_chosen_send_case_on_a_closed_channel_throws_and_leaves_no_waiter) {
  here([&] {
    weft::chan<int> closed, other;
    closed.close();
    for (int i = 0; i < 20; ++i) {
      auto r = weft::on_recv(other);
      auto s = weft::on_send(closed, 1);
      EXPECT_THROW(weft::select(r, s), weft::misuse);
      EXPECT_FALSE(r);
    }
    EXPECT_FALSE(other.try_send(1));  // nobody is left waiting there
  });
}

TEST_P(misuse_everywhere, negative_wait_group_throws_and_keeps_its_count) {
  here([&] {
    weft::wait_group wg;
    EXPECT_THROW(wg.done(), weft::misuse);
    wg.add(2);
    EXPECT_THROW(wg.add(-3), weft::misuse);
    wg.done();
    wg.done();
    wg.wait();
  });
}

TEST_P(misuse_everywhere, a_message_says_what_was_done_wrong) {
  here([&] {
    const auto message = [](auto f) {
      try {
        f();
      } catch (const weft::misuse& e) {
        return std::string(e.what());
      }
      return std::string();
    };
    weft::chan<int> ch;
    ch.close();
    EXPECT_NE(message([&] { ch.send(1); }).find("closed"), std::string::npos);
    EXPECT_NE(message([&] { ch.close(); }).find("closed"), std::string::npos);
    EXPECT_NE(message([] { weft::chan<int>(nullptr).close(); }).find("nil"), std::string::npos);
    EXPECT_NE(message([] { weft::wait_group().done(); }).find("negative"), std::string::npos);
  });
}

TEST(thrown, a_channel_that_no_memory_could_hold_throws_bad_alloc) {
  EXPECT_THROW(weft::chan<std::string>(SIZE_MAX), std::bad_alloc);  // the size overflows
  EXPECT_THROW(weft::chan<char>(SIZE_MAX / 2), std::bad_alloc);     // it does not, and is too much
}
