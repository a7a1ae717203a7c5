// An echo server: a goroutine per connection, written as if each had the machine to itself.
#include <weft/net.h>
#include <weft/weft.h>

#include <array>
#include <cstdio>

void serve(weft::net::tcp_conn client) {
  std::array<char, 4096> buffer;
  while (auto got = client.read(buffer)) {
    if (*got == 0 || !client.write(std::string_view(buffer.data(), *got))) return;  // the peer has ended, or is gone
  }
}

weft::result<void> talk(const weft::net::address& server, int id) {
  auto conn = weft::net::dial_tcp(server.to_string(), {.timeout = std::chrono::seconds(20)});
  if (!conn) return weft::fail(conn);
  const std::string question = "hello from " + std::to_string(id);
  if (auto sent = conn->write(question); !sent) return weft::fail(sent);
  std::string answer(question.size(), '\0');
  if (auto got = weft::io::read_full(*conn, std::as_writable_bytes(std::span(answer))); !got) return weft::fail(got);
  return answer == question ? weft::result<void>() : weft::fail(std::errc::bad_message, "talk");
}

int main() {
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0");
    if (!listener) return std::fprintf(stderr, "%s\n", listener.error().message().c_str()), 1;
    weft::wait_group server;
    server.go([&] {
      while (auto client = listener->accept()) weft::go(serve, std::move(*client));
    });

    weft::task_group clients;
    for (int i = 0; i < 100; ++i) clients.go([&, i] { return talk(listener->local(), i); });
    const auto all = clients.wait();
    listener->close();  // ends the loop above
    server.wait();
    std::puts(all ? "100 clients were answered" : all.error().message().c_str());
    return 0;
  });
}
