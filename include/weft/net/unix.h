// Unix sockets: streams and datagrams between processes of one machine. "@name" is an abstract name, without a file.
#pragma once

#include <string>

#include <weft/detail/keep_frame.h>
#include <weft/net/stream.h>
#include <weft/net/udp.h>

namespace weft::net {

namespace detail {

// The file that binding a Unix socket makes; removed with the socket.
class made_file {
 public:
  made_file() noexcept = default;
  explicit made_file(std::string path) noexcept : path_(std::move(path)) {}
  made_file(made_file&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  made_file& operator=(made_file other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~made_file() { remove(); }
  void remove() noexcept;

 private:
  std::string path_;  // "": nothing to remove
};

}  // namespace detail

class unix_conn : public stream {
 public:
  unix_conn() noexcept = default;
  static result<unix_conn> adopt(int fd);

 private:
  friend class unix_listener;
  friend result<unix_conn> dial_unix(const context&, std::string_view);
  friend result<std::pair<unix_conn, unix_conn>> unix_pair();
  using stream::stream;
};

// Removes the file that listen_unix made when it is closed or destroyed.
class unix_listener : public socket {
 public:
  unix_listener() noexcept = default;
  result<unix_conn> accept() { return accept_with(nullptr); }
  result<unix_conn> accept(const context& ctx) { return accept_with(&ctx); }
  void close();  // removes the file too
  [[nodiscard]] const address& local() const noexcept { return local_; }

  static result<unix_listener> adopt(int fd);  // leaves the file alone

 private:
  friend result<unix_listener> listen_unix(std::string_view, struct unix_options);
  unix_listener(detail::handle adopted, address where, detail::made_file made)
      : socket(std::move(adopted)), local_(std::move(where)), file_(std::move(made)) {}
  result<unix_conn> accept_with(const context* ctx) {
    auto result = accept_core(ctx);
    weft::detail::keep_frame();
    return result;
  }
  result<unix_conn> accept_core(const context* ctx);
  address local_;
  detail::made_file file_;
};

struct unix_options {
  int backlog = 0;  // as in listen_options
};

// errc::address_in_use when the file is there, even if nobody listens on it: remove it first.
result<unix_listener> listen_unix(std::string_view path, unix_options options = {});
result<unix_conn> dial_unix(std::string_view path);
result<unix_conn> dial_unix(const context& ctx, std::string_view path);
result<std::pair<unix_conn, unix_conn>> unix_pair();  // connected to each other

class unix_datagram_socket : public datagram_socket {
 public:
  unix_datagram_socket() noexcept = default;
  void close();  // removes the file too

 private:
  friend result<unix_datagram_socket> listen_unix_datagram(std::string_view);
  friend result<unix_datagram_socket> dial_unix_datagram(std::string_view);
  unix_datagram_socket(detail::handle adopted, address peer, detail::made_file made)
      : datagram_socket(std::move(adopted), std::move(peer), 0), file_(std::move(made)) {}
  detail::made_file file_;
};

result<unix_datagram_socket> listen_unix_datagram(std::string_view path);
result<unix_datagram_socket> dial_unix_datagram(std::string_view path);  // without a name of its own: cannot be answered

}  // namespace weft::net
