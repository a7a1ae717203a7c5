// weft::rw_mutex: many readers or one writer; a waiting writer stops new readers.
#include "support/eventually.h"
#include "support/everywhere.h"

#include <weft/weft.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>

class rw_mutex_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(rw_mutex_everywhere);

TEST_P(rw_mutex_everywhere, readers_share) {
  here([&] {
    weft::rw_mutex m;
    std::shared_lock mine(m);
    auto peers = crew();
    weft::chan<void> both;
    peers.start([&] {
      std::shared_lock theirs(m);
      both.send();  // met while this caller still reads
    });
    both.recv();
  });
}

TEST_P(rw_mutex_everywhere, a_writer_excludes_everyone) {
  here([&] {
    weft::rw_mutex m;
    int plain = 0;
    std::atomic<int> readers{0}, writers{0};
    const auto write = [&] {
      for (int i = 0; i < 200; ++i) {
        std::lock_guard hold(m);
        EXPECT_EQ(++writers, 1);
        EXPECT_EQ(readers, 0);
        ++plain;
        if (i % 16 == 0) weft::yield();
        --writers;
      }
    };
    const auto read = [&] {
      for (int i = 0; i < 200; ++i) {
        std::shared_lock hold(m);
        ++readers;
        EXPECT_EQ(writers, 0);
        if (i % 16 == 0) weft::yield();
        --readers;
      }
    };
    auto peers = crew();
    peers.start(write);
    peers.start(read);
    peers.start(read);
    write();
    read();
    peers.join();
    EXPECT_EQ(plain, 400);
  });
}

TEST_P(rw_mutex_everywhere, try_lock_forms_tell_the_state) {
  here([&] {
    weft::rw_mutex m;
    EXPECT_TRUE(m.try_lock_shared());
    EXPECT_TRUE(m.try_lock_shared());
    EXPECT_FALSE(m.try_lock());
    m.unlock_shared();
    m.unlock_shared();
    EXPECT_TRUE(m.try_lock());
    EXPECT_FALSE(m.try_lock());
    EXPECT_FALSE(m.try_lock_shared());
    m.unlock();
    EXPECT_TRUE(m.try_lock_shared());
    m.unlock_shared();
  });
}

TEST_P(rw_mutex_everywhere, a_waiting_writer_stops_new_readers_and_gets_its_turn) {
  here([&] {
    weft::rw_mutex m;
    std::atomic<bool> wrote{false};
    m.lock_shared();
    auto peers = crew();
    peers.start([&] {
      std::lock_guard hold(m);
      wrote = true;
    });
    const bool stopped = support::eventually([&] {
      if (!m.try_lock_shared()) return true;
      m.unlock_shared();
      return false;
    });
    EXPECT_TRUE(stopped);
    EXPECT_FALSE(wrote);
    peers.start([&] {
      std::shared_lock late(m);  // came after the writer, reads after it
      EXPECT_TRUE(wrote);
    });
    support::let_others_run();
    m.unlock_shared();
    peers.join();
    EXPECT_TRUE(wrote);
  });
}

TEST_P(rw_mutex_everywhere, readers_that_waited_for_a_writer_all_enter_together) {
  here([&] {
    weft::rw_mutex m;
    weft::wait_group inside;
    inside.add(3);
    m.lock();
    auto peers = crew();
    for (int i = 0; i < 3; ++i) {
      peers.start([&] {
        std::shared_lock hold(m);
        inside.done();
        inside.wait();  // returns only when all three hold it
      });
    }
    support::let_others_run();
    m.unlock();
  });
}
