// io: buffered readers and writers, copy and read_all over streams that deliver in pieces, park in between and fail.
#include "support/everywhere.h"

#include <weft/weft.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace {

// A stream that goroutines share: what one writes another reads, through a channel of chunks.
class channel_stream {
 public:
  weft::result<std::size_t> write(std::span<const std::byte> bytes) {
    chunks_.send(std::vector<std::byte>(bytes.begin(), bytes.end()));
    return bytes.size();
  }
  weft::result<std::size_t> read(std::span<std::byte> into) {
    if (rest_.empty()) {
      auto chunk = chunks_.recv();
      if (!chunk) return 0;
      rest_ = std::move(*chunk);
    }
    const auto n = std::min(into.size(), rest_.size());
    std::memcpy(into.data(), rest_.data(), n);
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(n));
    return n;
  }
  void close() { chunks_.close(); }

 private:
  weft::chan<std::vector<std::byte>> chunks_;
  std::vector<std::byte> rest_;
};

static_assert(weft::io::reader<channel_stream> && weft::io::writer<channel_stream>);

struct text_sink {
  std::string text;
  int calls = 0;
  weft::result<std::size_t> write(std::span<const std::byte> bytes) {
    ++calls;
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return bytes.size();
  }
};

struct broken {
  weft::result<std::size_t> read(std::span<std::byte>) { return weft::fail(std::errc::io_error, "read"); }
  weft::result<std::size_t> write(std::span<const std::byte>) {
    return weft::fail(std::errc::no_space_on_device, "write");
  }
};

void write_text(channel_stream& to, std::string_view text, std::size_t piece) {
  for (std::size_t at = 0; at < text.size(); at += piece) {
    EXPECT_TRUE(to.write(std::as_bytes(std::span(text.substr(at, piece)))));
  }
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

class io_everywhere : public support::everywhere {};
WEFT_EVERYWHERE(io_everywhere);

TEST_P(io_everywhere, lines_come_whole_whatever_the_pieces) {
  here([&] {
    for (std::size_t piece : {1, 3, 100}) {
      channel_stream stream;
      auto peers = crew();
      peers.start([&] {
        write_text(stream, "first\nsecond\r\n\nlast without end", piece);
        stream.close();
      });
      weft::io::buffered_reader in(stream);
      EXPECT_EQ(in.read_line(), "first");
      EXPECT_EQ(in.read_line(), "second");
      EXPECT_EQ(in.read_line(), "");
      EXPECT_EQ(in.read_line(), "last without end");
      EXPECT_FALSE(in.read_line());
    }
  });
}

TEST_P(io_everywhere, read_until_peek_and_read_full) {
  here([&] {
    channel_stream stream;
    auto peers = crew();
    peers.start([&] {
      write_text(stream, "key=value;0123456789", 2);
      stream.close();
    });
    weft::io::buffered_reader in(stream);
    const auto seen = in.peek(3);
    ASSERT_TRUE(seen);
    EXPECT_EQ(text_of(*seen), "key");
    EXPECT_EQ(in.read_until('='), "key=");
    EXPECT_EQ(in.read_until(';'), "value;");
    std::byte digits[8];
    ASSERT_TRUE(in.read_full(digits));
    EXPECT_EQ(text_of(digits), "01234567");
    EXPECT_FALSE(in.read_full(digits));  // only two are left
  });
}

TEST_P(io_everywhere, copy_moves_everything_and_counts_it) {
  here([&] {
    channel_stream stream;
    const std::string text(200'000, 'x');
    auto peers = crew();
    peers.start([&] {
      write_text(stream, text, 7777);
      stream.close();
    });
    text_sink sink;
    const auto copied = weft::io::copy(sink, stream);
    ASSERT_TRUE(copied);
    EXPECT_EQ(*copied, text.size());
    EXPECT_EQ(sink.text, text);
  });
}

TEST_P(io_everywhere, read_all_returns_the_whole_stream) {
  here([&] {
    channel_stream stream;
    auto peers = crew();
    peers.start([&] {
      write_text(stream, "all of it", 4);
      stream.close();
    });
    EXPECT_EQ(weft::io::read_all(stream), "all of it");
    EXPECT_EQ(weft::io::read_all(stream), "");
  });
}

TEST(io, a_buffered_writer_gathers_small_writes_and_flushes) {
  text_sink sink;
  {
    weft::io::buffered_writer out(sink);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(out.write(std::as_bytes(std::span("ab", 2))));
    EXPECT_EQ(sink.calls, 0);
    EXPECT_TRUE(out.flush());
    EXPECT_EQ(sink.calls, 1);
    EXPECT_EQ(sink.text.size(), 200u);
  }
  EXPECT_EQ(sink.text.size(), 200u);
}

TEST(io, errors_of_the_source_and_the_sink_come_back) {
  broken stream;
  text_sink sink;
  channel_stream source;
  EXPECT_EQ(weft::io::copy(sink, stream).error(), std::errc::io_error);
  EXPECT_EQ(weft::io::read_all(stream).error(), std::errc::io_error);
  support::crew peers;
  peers.start([&] {
    write_text(source, "data", 4);
    source.close();
  });
  EXPECT_EQ(weft::io::copy(stream, source).error(), std::errc::no_space_on_device);
  weft::io::buffered_reader in(stream);
  EXPECT_EQ(in.read_line().error(), std::errc::io_error);
  weft::io::buffered_writer out(stream);
  EXPECT_TRUE(out.write(std::as_bytes(std::span("x", 1))));
  EXPECT_EQ(out.flush().error(), std::errc::no_space_on_device);
}
