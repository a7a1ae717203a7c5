// A TCP proxy: both directions at once, each ending by itself (half-close). Large transfers move inside the kernel.
#include <weft/net.h>
#include <weft/weft.h>

#include <cstdio>

weft::result<void> pump(weft::net::tcp_conn& to, weft::net::tcp_conn& from) {
  if (auto moved = weft::io::copy(to, from); !moved) return weft::fail(moved);
  return to.shutdown_write();  // the other side reads to the end; its answer may still be on the way
}

weft::result<void> relay(weft::net::tcp_conn client, const std::string& upstream) {
  auto server = weft::net::dial_tcp(upstream, {.timeout = std::chrono::seconds(20)});
  if (!server) return weft::fail(server, "relay");
  weft::task_group both;
  both.go([&] { return pump(*server, client); });
  both.go([&] { return pump(client, *server); });
  return both.wait();
}

int main() {
  return weft::run([] {
    auto shouting = weft::net::listen_tcp("127.0.0.1:0").value();  // answers in capitals when it has heard all
    weft::go([&] {
      while (auto conn = shouting.accept()) {
        auto heard = weft::io::read_all(*conn);
        for (char& c : *heard) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        static_cast<void>(conn->write(*heard));
      }
    });
    auto proxy = weft::net::listen_tcp("127.0.0.1:0").value();
    weft::go([&] {
      while (auto client = proxy.accept()) weft::go(relay, std::move(*client), shouting.local().to_string());
    });

    auto conn = weft::net::dial_tcp(proxy.local().to_string()).value();
    static_cast<void>(conn.write("through two hops"));
    static_cast<void>(conn.shutdown_write());
    std::puts(weft::io::read_all(conn)->c_str());
    std::exit(0);  // the servers run for ever
  });
}
