// Anything with a read() is a reader. Here: a channel of chunks, read line by line while another goroutine fills it.
#include <weft/weft.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

class chunk_reader {
 public:
  explicit chunk_reader(weft::receiver<std::string> chunks) : chunks_(std::move(chunks)) {}

  weft::result<std::size_t> read(std::span<std::byte> into) {
    while (rest_.empty()) {
      auto chunk = chunks_.recv();
      if (!chunk) return 0;  // end of stream
      rest_ = std::move(*chunk);
    }
    const std::size_t n = std::min(into.size(), rest_.size());
    std::memcpy(into.data(), rest_.data(), n);
    rest_.erase(0, n);
    return n;
  }

 private:
  weft::receiver<std::string> chunks_;
  std::string rest_;
};

int main() {
  return weft::run([] {
    weft::chan<std::string> chunks;
    weft::go([=] {
      for (const char* piece : {"GET / HT", "TP/1.1\r\nHost: exam", "ple.org\r\n", "\r\nbo", "dy"}) chunks.send(piece);
      chunks.close();
    });

    chunk_reader source(chunks);
    weft::io::buffered_reader in(source);
    while (auto line = in.read_line()) {
      if (line->empty()) break;
      std::printf("header: %s\n", line->c_str());
    }
    auto body = weft::io::read_all(in);
    std::printf("body: %s\n", body->c_str());
    std::printf("then: %s\n", in.read_line().error().message().c_str());
  });
}
