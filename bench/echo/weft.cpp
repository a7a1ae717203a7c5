// Echo server: a goroutine per connection, as one would write it.
#include <weft/net.h>
#include <weft/weft.h>

#include <array>
#include <cstdio>

int main(int argc, char** argv) {
  return weft::run([&] {
    auto server = weft::net::listen_tcp(argc > 1 ? argv[1] : "127.0.0.1:7000");
    if (!server) return std::fprintf(stderr, "%s\n", server.error().message().c_str()), 1;
    while (auto client = server->accept()) {
      weft::go([client = std::move(*client)]() mutable {
        std::array<char, 1024> buffer;
        while (auto got = client.read(buffer)) {
          if (*got == 0 || !client.write(std::string_view(buffer.data(), *got))) return;
        }
      });
    }
    return 0;
  });
}
