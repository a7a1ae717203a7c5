// Files: regular files, directories' entries, devices.
//
//   auto f = weft::os::open("settings.json");                      // result<file>; read only
//   auto text = weft::io::read_all(*f);
//   auto out = weft::os::create("report.txt");                     // written; emptied if it was there
//   out->write("done\n");
//   if (auto closed = out->close(); !closed) report(closed.error());   // a full disk may show only here
//
// The kernel knows no readiness for regular files. A read that the page cache can serve is served at once; what it has not,
// sync(), and reads of what is no regular file park the goroutine, through io_uring. Where that is refused, and for everything
// else, a call is a declared blocking one (weft::blocking): it runs on the calling thread, and others get the processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <weft/error.h>
#include <weft/io.h>

namespace weft::os {

struct open_options {
  bool read = true;
  bool write = false;
  bool append = false;     // implies write: each write goes to what is the end then
  bool create = false;     // if it is not there
  bool exclusive = false;  // with create: it must not be there (errc::file_exists)
  bool truncate = false;   // what was in it is gone
  unsigned mode = 0666;    // permissions of a created file, before the umask
};

enum class seek_from { start, current, end };

// Movable; closes in its destructor. A reader and a writer of <weft/io.h>. Several goroutines may use read_at and write_at
// at the same time; read, write and seek move one position. No call may run while another closes, moves or destroys the
// file: a read of a disk cannot be woken. A closed or moved-from file answers with errc::bad_file_descriptor.
class file {
 public:
  file() noexcept = default;
  file(file&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  file& operator=(file&& other) noexcept {
    file taken(std::move(other));
    std::swap(fd_, taken.fd_);
    std::swap(path_, taken.path_);
    return *this;
  }
  ~file() { close_quietly(); }
  static file adopt(int fd, std::string name);  // the name is for messages

  result<std::size_t> read(std::span<std::byte> into);  // what is there; 0: end of file
  result<std::size_t> read(std::span<char> into) { return read(std::as_writable_bytes(into)); }
  result<std::size_t> write(std::span<const std::byte> from);  // all of it
  result<std::size_t> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  // At a position of their own, in bytes from the start. A read of less than asked for: the file ends there.
  result<std::size_t> read_at(std::uint64_t at, std::span<std::byte> into) const;
  result<std::size_t> read_at(std::uint64_t at, std::span<char> into) const {
    return read_at(at, std::as_writable_bytes(into));
  }
  result<std::size_t> write_at(std::uint64_t at, std::span<const std::byte> from);
  result<std::size_t> write_at(std::uint64_t at, std::string_view text) {
    return write_at(at, std::as_bytes(std::span(text)));
  }

  result<std::uint64_t> seek(std::int64_t offset, seek_from origin = seek_from::start);  // the new position
  [[nodiscard]] result<std::uint64_t> size() const;
  result<void> resize(std::uint64_t bytes);  // cut off, or filled up with zeros
  result<void> sync();                       // returns when the device has it
  result<void> close();                      // the first time; later: errc::bad_file_descriptor

  [[nodiscard]] int native_handle() const noexcept { return fd_; }  // stays the file's; -1: closed
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // For io::copy (<weft/io.h>): the kernel may move bytes in and out without showing them to us.
  [[nodiscard]] io::kernel_end kernel_end() const noexcept;

 private:
  void close_quietly() noexcept;
  std::unexpected<error> failure(std::int64_t negative_errno, const char* op) const;

  int fd_ = -1;
  std::string path_;
};

result<file> open(std::string path, open_options options = {});
result<file> create(std::string path);  // for writing and reading, emptied if it is there

}  // namespace weft::os
