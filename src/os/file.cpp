#include "os/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weft::os {
namespace {

class reader {
 public:
  explicit reader(const char* path) noexcept {
    do descriptor_ = open(path, O_RDONLY | O_CLOEXEC);
    while (descriptor_ < 0 && errno == EINTR);
  }
  ~reader() {
    if (descriptor_ >= 0) close(descriptor_);
    errno = saved_errno_;
  }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  // The number of bytes; 0 at the end; negative when the file cannot be read.
  ssize_t read(std::span<char> into) noexcept {
    ssize_t count;
    do count = ::read(descriptor_, into.data(), into.size());
    while (count < 0 && errno == EINTR);
    return count;
  }

 private:
  int saved_errno_ = errno;
  int descriptor_;
};

}  // namespace

std::string_view read_file(const char* path, std::span<char> buffer) noexcept {
  reader file(path);
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t count = file.read(buffer.subspan(size));
    if (count < 0) return {};
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  return {buffer.data(), size};
}

std::optional<std::string> read_file(const std::string& path) {
  reader file(path.c_str());
  std::string text;
  char chunk[4096];
  for (;;) {
    const ssize_t count = file.read(chunk);
    if (count < 0) return std::nullopt;
    if (count == 0) return text;
    text.append(chunk, static_cast<std::size_t>(count));
  }
}

bool write_file(const std::string& path, std::string_view contents) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return false;
  while (!contents.empty()) {
    const ssize_t count = ::write(file, contents.data(), contents.size());
    if (count < 0 && errno != EINTR) break;
    if (count > 0) contents.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::close(file) == 0 && contents.empty();
}

}  // namespace weft::os
