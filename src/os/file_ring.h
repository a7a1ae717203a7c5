// io_uring for files: one ring for all threads.
//
// A thread of the kernel submits what is put into it (SQPOLL). With a ring that is submitted by system calls, requests would
// belong to the calling thread: they would end with it, and their completions would break into whatever blocking system call
// it makes next, an undeclared one of the program's included, as an EINTR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weft::os {

class file_ring {
 public:
  // Null where the kernel or a container refuses it, has not all that is needed (Linux 5.11), or weft was built without it.
  static std::unique_ptr<file_ring> make();
  ~file_ring();
  file_ring(const file_ring&) = delete;
  file_ring& operator=(const file_ring&) = delete;

  [[nodiscard]] int descriptor() const noexcept;  // readable while take() finds something

  struct operation {
    enum class kind : std::uint8_t { read, write, sync };
    kind what;
    int fd;
    void* bytes = nullptr;
    std::size_t size = 0;
    std::int64_t at = -1;  // -1: at the file's own position, which moves
  };
  // `key` comes back with the result, by which time nothing of the operation is used any more. False: too many at once.
  [[nodiscard]] [[gnu::noinline]] bool submit(const operation& op, std::uint64_t key) noexcept;

  struct completion {
    std::uint64_t key;
    std::int64_t result;  // as that of the system call: a count, or a negative errno value
  };
  [[gnu::noinline]] std::span<completion> take(std::span<completion> into) noexcept;

 private:
  struct ring;
  explicit file_ring(std::unique_ptr<ring> made) noexcept;
  std::unique_ptr<ring> ring_;
};

}  // namespace weft::os
