// Echo server on Boost.Asio: one thread, callbacks, as its own tutorial has it.
#include <utility>  // which asio 1.74 forgets

#include <boost/asio.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace asio = boost::asio;
using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) { socket_.set_option(tcp::no_delay(true)); }
  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto error, std::size_t size) {
      if (!error) self->write(size);
    });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_, size), [self = shared_from_this()](auto error, std::size_t) {
      if (!error) self->read();
    });
  }
  tcp::socket socket_;
  std::array<char, 1024> buffer_;
};

class server {
 public:
  server(asio::io_context& io, unsigned short port) : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](auto error, tcp::socket socket) {
      if (!error) std::make_shared<session>(std::move(socket))->read();
      accept();
    });
  }
  tcp::acceptor acceptor_;
};

int main(int argc, char** argv) {
  const char* where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  asio::io_context io(1);
  server listening(io, static_cast<unsigned short>(std::atoi(std::strrchr(where, ':') + 1)));
  io.run();
}
