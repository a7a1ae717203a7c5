#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <weft/os.h>
#include <weft/weft.h>

#include "os/file_ring.h"
#include "support/child.h"
#include "support/eventually.h"
#include "support/everywhere.h"
#include "support/parked.h"

namespace {

namespace os = weft::os;
namespace fs = std::filesystem;
using testing::HasSubstr;

class folder {
 public:
  folder() {
    std::string pattern = (fs::temp_directory_path() / "weft_file_XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

class os_file : public support::everywhere {};
WEFT_EVERYWHERE(os_file);

TEST_P(os_file, what_was_written_is_read) {
  here([] {
    const folder dir;
    auto out = os::create(dir / "a");
    ASSERT_TRUE(out) << out.error();
    const std::string text(100'000, 'w');
    EXPECT_EQ(out->write(text).value_or(0), text.size());
    EXPECT_TRUE(out->sync());
    EXPECT_TRUE(out->close());
    auto in = os::open(dir / "a");
    ASSERT_TRUE(in) << in.error();
    EXPECT_EQ(in->size().value_or(0), text.size());
    EXPECT_EQ(weft::io::read_all(*in).value_or(""), text);
  });
}

TEST_P(os_file, positions_are_independent_of_the_one_that_read_moves) {
  here([this] {
    const folder dir;
    auto f = os::create(dir / "a");
    ASSERT_TRUE(f);
    auto peers = crew();
    for (int i = 0; i < 8; ++i)
      peers.start([&, i] {
        EXPECT_TRUE(f->write_at(static_cast<std::uint64_t>(i) * 1000, std::string(1000, static_cast<char>('0' + i))));
      });
    peers.join();
    EXPECT_EQ(f->size().value_or(0), 8000U);
    char four[4];
    EXPECT_EQ(f->read_at(2998, std::span(four)).value_or(0), 4U);
    EXPECT_EQ(std::string(four, 4), "2233");
    EXPECT_EQ(f->read_at(7998, std::span(four)).value_or(0), 2U) << "the file ends there";
    EXPECT_EQ(f->seek(0, os::seek_from::current).value_or(9), 0U);
    EXPECT_EQ(f->seek(-1000, os::seek_from::end).value_or(0), 7000U);
    EXPECT_EQ(f->read(std::span(four)).value_or(0), 4U);
    EXPECT_EQ(std::string(four, 4), "7777");
  });
}

TEST(os_file, options_are_those_of_the_kernel) {
  const folder dir;
  const std::string path = dir / "a";
  EXPECT_FALSE(os::open(path, {.write = true})) << "not there, not to be created";
  ASSERT_TRUE(os::open(path, {.write = true, .create = true, .exclusive = true}));
  auto again = os::open(path, {.write = true, .create = true, .exclusive = true});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), std::errc::file_exists);
  {
    auto log = os::open(path, {.read = false, .append = true});
    ASSERT_TRUE(log);
    EXPECT_TRUE(log->write("one\n"));
    EXPECT_TRUE(log->seek(0));
    EXPECT_TRUE(log->write("two\n"));
    char byte;
    auto unreadable = log->read(std::span(&byte, 1));
    EXPECT_TRUE(!unreadable && unreadable.error() == std::errc::bad_file_descriptor);
  }
  EXPECT_EQ(weft::io::read_all(*os::open(path)).value_or(""), "one\ntwo\n");
  EXPECT_TRUE(os::open(path, {.write = true})->resize(5));
  EXPECT_EQ(weft::io::read_all(*os::open(path)).value_or(""), "one\nt");
  EXPECT_TRUE(os::open(path, {.write = true, .truncate = true}));
  EXPECT_EQ(os::open(path)->size().value_or(9), 0U);
}

TEST(os_file, errors_name_the_operation_and_the_path) {
  auto missing = os::open("/nowhere/at all");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), std::errc::no_such_file_or_directory);
  EXPECT_THAT(missing.error().message(), HasSubstr("open /nowhere/at all: No such file"));

  auto full = os::open("/dev/full", {.write = true});
  ASSERT_TRUE(full);
  auto written = full->write("x");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("write /dev/full: No space left"));

  auto directory = os::open("/proc");
  ASSERT_TRUE(directory);
  char byte;
  EXPECT_THAT(directory->read(std::span(&byte, 1)).error().message(), HasSubstr("read /proc: Is a directory"));
  EXPECT_FALSE(os::open(std::string("/proc/self/exe\0x", 16))) << "a path that ends early";
}

TEST(os_file, closed_and_moved_from_files_say_so) {
  const folder dir;
  auto f = os::create(dir / "a");
  ASSERT_TRUE(f);
  const int fd = f->native_handle();
  os::file taken = std::move(*f);
  EXPECT_FALSE(static_cast<bool>(*f));
  for (auto r : {f->write("x"), f->write("")}) EXPECT_TRUE(!r && r.error() == std::errc::bad_file_descriptor);
  EXPECT_TRUE(taken.close());
  EXPECT_FALSE(taken.close());
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), -1) << "the descriptor is closed";
}

// A read that waits for ever in the kernel: others on the same, only processor do not wait with it.
TEST(os_file, a_call_that_waits_does_not_stop_others) {
  const folder dir;
  const std::string fifo = dir / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  support::procs_scope one(1);
  weft::run([&] {
    std::atomic<bool> is_open{false};
    weft::wait_group wg;
    wg.go([&] {
      auto in = os::open(fifo);  // waits for a writer
      is_open = true;
      EXPECT_EQ(weft::io::read_all(*in).value_or(""), "late");
    });
    support::let_others_run();
    EXPECT_FALSE(is_open);
    auto out = os::open(fifo, {.read = false, .write = true});
    EXPECT_TRUE(out->write("late"));
    EXPECT_TRUE(out->close());
    wg.wait();
  });
}

// --- through io_uring ---------------------------------------------------------------------------

bool has_ring() { return os::file_ring::make() != nullptr; }

// A named pipe knows as little of readiness as a file here, and makes a read wait for as long as a test likes.
class fifo {
 public:
  fifo() {
    const std::string path = in_ / "fifo";
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    file = *os::open(path, {.read = true, .write = true});
  }
  os::file file;

 private:
  folder in_;
};

TEST(os_file_ring, reads_that_have_to_wait_park_their_goroutines) {
  if (!has_ring()) GTEST_SKIP() << "no io_uring here";
  support::procs_scope one(1);
  weft::run([] {
    std::vector<fifo> fifos(40);
    support::crew readers;
    for (fifo& f : fifos)
      support::start_parked(readers, [&] {
        char byte = 0;
        EXPECT_EQ(f.file.read(std::span(&byte, 1)), 1U);
        EXPECT_EQ(byte, 'x');
      });
    for (fifo& f : fifos) EXPECT_TRUE(f.file.write("x"));
  });
}

TEST(os_file_ring, many_sync_at_once_beside_others) {
  weft::run([] {
    const folder in;
    weft::wait_group all;
    for (int i = 0; i < 60; ++i)
      all.go([&, i] {
        auto file = *os::create(in / std::to_string(i).c_str());
        for (int n = 0; n < 3; ++n) {
          EXPECT_TRUE(file.write(std::string(5000, static_cast<char>('a' + n))));
          EXPECT_TRUE(file.sync());
        }
        std::string back(5000, '\0');
        EXPECT_EQ(file.read_at(10'000, std::span(back)), 5000U);
        EXPECT_EQ(back, std::string(5000, 'c'));
      });
    all.wait();
  });
}

WEFT_CHILD(waits_for_a_file_for_a_while) {
  return weft::run([] {
    fifo f;
    std::thread([fd = ::dup(f.file.native_handle())] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      [[maybe_unused]] auto n = ::write(fd, "x", 1);
    }).detach();
    char byte;
    return f.file.read(std::span(&byte, 1)) == 1U ? 0 : 1;
  });
}

TEST(os_file_ring, waiting_for_a_file_is_no_deadlock) {
  for (const char* way : {"WEFT_DEBUG=files=uring", "WEFT_DEBUG=files=blocking"}) {
    const auto child = support::run_child("waits_for_a_file_for_a_while", {way});
    EXPECT_EQ(child.exit_status, 0) << way << child;
  }
}

}  // namespace
