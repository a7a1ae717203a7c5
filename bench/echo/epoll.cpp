// Echo server: one thread, one epoll loop, level-triggered, no library: the yardstick. Written as C would be.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

static void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

static void add(int poller, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

int main(int argc, char** argv) {
  const char* where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(std::atoi(std::strrchr(where, ':') + 1)));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) die("bind");
  if (listen(listener, 65535) != 0) die("listen");
  const int poller = epoll_create1(0);
  add(poller, listener);
  static epoll_event events[256];
  static char buffer[1024];
  while (true) {
    const int count = epoll_wait(poller, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        int client;
        while ((client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) add(poller, client);
        continue;
      }
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0 || send(fd, buffer, static_cast<size_t>(got), MSG_NOSIGNAL) != got) close(fd);
    }
  }
}
