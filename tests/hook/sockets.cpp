// recv*, send*, accept*, connect, and the time-outs of sockets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "hook/plain.h"

namespace {

using namespace hook_test;

class hook_sockets : public support::everywhere {};
WEFT_EVERYWHERE(hook_sockets);

// Listens on a free port of the loopback interface.
struct listener : closing_pair {
  explicit listener(int backlog = 128) {
    fds[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fds[0], where(), sizeof address), 0);
    EXPECT_EQ(::listen(fds[0], backlog), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fds[0], where(), &size), 0);
  }
  sockaddr* where() { return reinterpret_cast<sockaddr*>(&address); }
  sockaddr_in address{};
};

void set_timeout(int fd, int which, std::chrono::milliseconds time) {
  const timeval t{time.count() / 1000, time.count() % 1000 * 1000};
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, which, &t, sizeof t), 0);
}

TEST_P(hook_sockets, connections_are_made_accepted_and_used) {
  here([this] {
    listener server;
    auto peers = crew();
    constexpr int clients = 20;
    for (int i = 0; i < 2; ++i)  // two that accept on the same socket
      peers.start([&] {
        for (int n = 0; n < clients / 2; ++n) {
          sockaddr_in from{};
          socklen_t size = sizeof from;
          const int fd = ::accept4(server.fds[0], reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
          ASSERT_GE(fd, 0) << std::strerror(errno);
          EXPECT_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
          char text[5];
          EXPECT_EQ(::recv(fd, text, 5, MSG_WAITALL), 5);
          EXPECT_EQ(::send(fd, text, 5, MSG_NOSIGNAL), 5);
          ::close(fd);
        }
      });
    for (int n = 0; n < clients; ++n) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ASSERT_EQ(::connect(fd, server.where(), sizeof server.address), 0) << std::strerror(errno);
      EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_EQ(::send(fd, "he", 2, 0), 2);
      EXPECT_EQ(::send(fd, "llo", 3, 0), 3);
      char text[6] = {};
      EXPECT_EQ(::recv(fd, text, 5, MSG_WAITALL), 5);
      EXPECT_STREQ(text, "hello");
      EXPECT_EQ(::recv(fd, text, 5, 0), 0) << "the end of the stream";
      ::close(fd);
    }
  });
}

TEST(hook_sockets_park, accept_and_recv_hold_no_thread) {
  support::procs_scope one(1);
  weft::run([] {
    constexpr int many = 30;
    std::vector<listener> listeners(many);
    std::vector<socket_pair> pairs(many);
    const auto wait = [&](int i) {
      const auto n = static_cast<std::size_t>(i / 2);
      char byte;
      iovec piece{&byte, 1};
      msghdr message{};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      mmsghdr batch{message, 0};
      if (i % 4 == 1) EXPECT_EQ(::recvmsg(pairs[n].fds[0], &message, 0), 1);
      else if (i % 4 == 3) EXPECT_EQ(::recvmmsg(pairs[n].fds[0], &batch, 1, 0, nullptr), 1);
      else ::close(::accept(listeners[n].fds[0], nullptr, nullptr));
    };
    expect_parked(2 * many, wait, [&] {
      for (std::size_t i = 0; i < many; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(fd, listeners[i].where(), sizeof(sockaddr_in)), 0);
        ::close(fd);
        EXPECT_EQ(::send(pairs[i].fds[1], "x", 1, 0), 1);
      }
    });
  });
}

TEST_P(hook_sockets, connect_reports_what_it_should) {
  here([] {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in nobody{};
    {
      listener gone;
      nobody = gone.address;
    }
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&nobody), sizeof nobody), -1);
    EXPECT_EQ(errno_here(), ECONNREFUSED);
    ::close(fd);
    EXPECT_EQ(::connect(-1, reinterpret_cast<sockaddr*>(&nobody), sizeof nobody), -1);
    EXPECT_EQ(errno_here(), EBADF);
    // A program that made it non-blocking gets EINPROGRESS, as ever.
    listener server;
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT_EQ(::connect(fd, server.where(), sizeof server.address), -1);
    EXPECT_EQ(errno_here(), EINPROGRESS);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ::close(fd);
  });
}

// A listener whose queue is full does not answer: SO_SNDTIMEO bounds the connect, and a Unix socket waits for room.
TEST_P(hook_sockets, connect_waits_and_keeps_to_the_send_timeout) {
  here([] {
    listener server(0);
    std::vector<int> fds;
    int failed = 0;
    for (int i = 0; i < 8 && !failed; ++i) {
      fds.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      set_timeout(fds.back(), SO_SNDTIMEO, 30ms);
      const auto start = weft::clock::now();
      if (::connect(fds.back(), server.where(), sizeof server.address) == 0) continue;
      failed = errno_here();
      EXPECT_GE(seconds_since(start), 0.029);
    }
    EXPECT_EQ(failed, EINPROGRESS);
    for (const int fd : fds) ::close(fd);
  });
}

// A connection begun by a non-blocking call, and waited for by a blocking one. Returns the socket of one that is not answered.
int begin_to_connect(listener& deaf, std::vector<int>& fds) {
  for (int unanswered = 0; unanswered < 2 && fds.size() < 20;) {
    const int fd = fds.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::connect(fd, deaf.where(), sizeof deaf.address), -1);
    EXPECT_EQ(errno_here(), EINPROGRESS);
    EXPECT_EQ(::fcntl(fd, F_SETFL, 0), 0);
    set_timeout(fd, SO_SNDTIMEO, 30ms);
    const auto start = weft::clock::now();
    if (::connect(fd, deaf.where(), sizeof deaf.address) == 0) continue;
    EXPECT_EQ(errno_here(), EALREADY);
    EXPECT_GE(seconds_since(start), 0.029);
    ++unanswered;
  }
  return fds.back();
}

TEST_P(hook_sockets, connect_waits_for_a_connection_that_has_begun_and_keeps_to_the_timeout) {
  here([] {
    listener deaf(0);
    std::vector<int> fds;
    begin_to_connect(deaf, fds);
    for (const int fd : fds) ::close(fd);
  });
}

TEST(hook_sockets_begun, connect_waits_until_the_connection_is_made) {
  support::on_goroutine([] {
    listener deaf(0);
    std::vector<int> fds;
    const int fd = begin_to_connect(deaf, fds);
    set_timeout(fd, SO_SNDTIMEO, 0ms);
    ASSERT_EQ(::listen(deaf.fds[0], 100), 0);  // room: when it asks again, a second after the first time, it is answered
    EXPECT_EQ(::connect(fd, deaf.where(), sizeof deaf.address), 0) << std::strerror(errno_here());
    for (const int each : fds) ::close(each);
  });
}

TEST_P(hook_sockets, timeouts_are_honoured) {
  here([] {
    socket_pair s;
    set_timeout(s.fds[0], SO_RCVTIMEO, 20ms);
    set_timeout(s.fds[0], SO_SNDTIMEO, 20ms);
    char byte;
    auto start = weft::clock::now();
    EXPECT_EQ(::recv(s.fds[0], &byte, 1, 0), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    EXPECT_GE(seconds_since(start), 0.019);
    start = weft::clock::now();
    EXPECT_EQ(::read(s.fds[0], &byte, 1), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    EXPECT_GE(seconds_since(start), 0.019);
    const std::string much(1 << 22, 'x');
    start = weft::clock::now();
    const ssize_t sent = ::send(s.fds[0], much.data(), much.size(), 0);
    EXPECT_GT(sent, 0);
    EXPECT_LT(sent, static_cast<ssize_t>(much.size())) << "a part, and the time";
    EXPECT_GE(seconds_since(start), 0.019);
    EXPECT_EQ(::send(s.fds[0], "x", 1, 0), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    listener server;
    set_timeout(server.fds[0], SO_RCVTIMEO, 20ms);
    EXPECT_EQ(::accept(server.fds[0], nullptr, nullptr), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    // MSG_WAITALL gives what had come.
    EXPECT_EQ(::send(s.fds[1], "abc", 3, 0), 3);
    char five[5];
    EXPECT_EQ(::recv(s.fds[0], five, 5, MSG_WAITALL), 3);
  });
}

TEST_P(hook_sockets, calls_that_never_wait_do_not) {
  here([] {
    socket_pair s;
    char byte;
    EXPECT_EQ(::recv(s.fds[0], &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    listener server;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(fd, server.where(), sizeof server.address), 0);
    EXPECT_EQ(::recv(fd, &byte, 1, MSG_OOB), -1);
    EXPECT_EQ(errno_here(), EINVAL);
    EXPECT_EQ(::recv(fd, &byte, 1, MSG_ERRQUEUE), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::accept(datagrams, nullptr, nullptr), -1);
    EXPECT_EQ(errno_here(), EOPNOTSUPP);
    ::close(fd);
    ::close(datagrams);
  });
}

TEST_P(hook_sockets, datagrams_come_whole_and_with_their_sender) {
  here([this] {
    int fds[2];
    sockaddr_in at[2]{};
    for (int i = 0; i < 2; ++i) {
      fds[i] = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      at[i].sin_family = AF_INET;
      at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof at[i];
      ASSERT_EQ(::bind(fds[i], reinterpret_cast<sockaddr*>(&at[i]), size), 0);
      ASSERT_EQ(::getsockname(fds[i], reinterpret_cast<sockaddr*>(&at[i]), &size), 0);
    }
    auto peers = crew();
    peers.start([&] {
      for (int n = 0; n < 20; ++n) {
        char text[100];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const int flags = n % 2 ? MSG_WAITALL : 0;
        EXPECT_EQ(::recvfrom(fds[0], text, sizeof text, flags, reinterpret_cast<sockaddr*>(&from), &size), 3);
        EXPECT_EQ(size, sizeof from);
        EXPECT_EQ(from.sin_port, at[1].sin_port);
        EXPECT_EQ(::sendto(fds[0], text, 3, 0, reinterpret_cast<sockaddr*>(&from), size), 3);
      }
    });
    for (int n = 0; n < 20; ++n) {
      EXPECT_EQ(::sendto(fds[1], "abc", 3, 0, reinterpret_cast<sockaddr*>(&at[0]), sizeof at[0]), 3);
      char text[100];
      EXPECT_EQ(::recv(fds[1], text, sizeof text, MSG_WAITALL), 3);
    }
    peers.join();
    for (const int fd : fds) ::close(fd);
  });
}

// Several messages in one call, each with its own buffer.
struct batch {
  explicit batch(std::size_t count, std::size_t room) : texts(count, std::string(room, '\0')), pieces(count), messages(count) {
    for (std::size_t i = 0; i < count; ++i) {
      pieces[i] = {texts[i].data(), room};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  unsigned size() const { return static_cast<unsigned>(messages.size()); }
  std::string received(std::size_t i) const { return texts[i].substr(0, messages[i].msg_len); }
  std::vector<std::string> texts;
  std::vector<iovec> pieces;
  std::vector<mmsghdr> messages;
};

TEST_P(hook_sockets, batches_of_messages_wait_until_all_of_them_have_gone_and_come) {
  here([this] {
    for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM}) {
      constexpr std::size_t count = 200, size = 10'000;  // far more than a socket holds
      socket_pair s(type);
      auto peers = crew();
      peers.start([&] {
        batch sent(count, size);
        for (std::size_t i = 0; i < count; ++i) sent.texts[i].assign(size, static_cast<char>('a' + i % 26));
        EXPECT_EQ(::sendmmsg(s.fds[0], sent.messages.data(), sent.size(), 0), static_cast<int>(count));
        for (const mmsghdr& each : sent.messages) EXPECT_EQ(each.msg_len, size);
      });
      std::string all;
      while (all.size() < count * size) {
        batch got(type == SOCK_STREAM ? 1 : count, size);
        const int n = ::recvmmsg(s.fds[1], got.messages.data(), got.size(), 0, nullptr);
        ASSERT_EQ(n, static_cast<int>(got.size())) << std::strerror(errno_here());
        for (int i = 0; i < n; ++i) all += got.received(static_cast<std::size_t>(i));
      }
      peers.join();
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(all[i * size], static_cast<char>('a' + i % 26)) << type;
    }
  });
}

TEST_P(hook_sockets, a_batch_ends_early_when_one_is_enough_or_the_time_is_over) {
  here([] {
    socket_pair s(SOCK_DGRAM);
    batch got(4, 10);
    timespec wrong{0, -1};
    EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, 0, &wrong), -1);
    EXPECT_EQ(errno_here(), EINVAL);
    EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, MSG_DONTWAIT, nullptr), -1);
    EXPECT_EQ(errno_here(), EAGAIN);
    {
      support::crew peers;
      support::start_parked(peers, [&] {
        EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, MSG_WAITFORONE, nullptr), 1);
        EXPECT_EQ(got.received(0), "one");
      });
      EXPECT_EQ(::send(s.fds[1], "one", 3, 0), 3);
    }
    // The time is looked at when a message has come, and what is left of it is told.
    timespec short_time{0, 1}, long_time{60, 0};
    EXPECT_EQ(::send(s.fds[1], "two", 3, 0), 3);
    EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, 0, &short_time), 1);
    EXPECT_EQ(short_time.tv_sec + short_time.tv_nsec, 0);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(::send(s.fds[1], "more", 4, 0), 4);
    EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, 0, &long_time), 4);
    EXPECT_LT(long_time.tv_sec, 60);
    EXPECT_GT(long_time.tv_sec, 30);
    // What had come counts more than the time-out of the socket.
    set_timeout(s.fds[0], SO_RCVTIMEO, 20ms);
    EXPECT_EQ(::send(s.fds[1], "last", 4, 0), 4);
    const auto start = weft::clock::now();
    EXPECT_EQ(::recvmmsg(s.fds[0], got.messages.data(), 4, 0, nullptr), 1);
    EXPECT_GE(seconds_since(start), 0.019);
    EXPECT_EQ(got.received(0), "last");
  });
}

// Several buffers, more than fits at once, and a descriptor beside the first byte.
TEST_P(hook_sockets, messages_carry_all_their_pieces_and_what_comes_beside) {
  here([this] {
    socket_pair s;
    const std::string first(700'000, 'a'), second(900'000, 'b');
    alignas(cmsghdr) char beside[CMSG_SPACE(sizeof(int))] = {};
    auto peers = crew();
    peers.start([&] {
      iovec pieces[] = {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}};
      msghdr message{};
      message.msg_iov = pieces;
      message.msg_iovlen = 2;
      message.msg_control = beside;
      message.msg_controllen = sizeof beside;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &s.fds[1], sizeof(int));
      EXPECT_EQ(::sendmsg(s.fds[1], &message, 0), static_cast<ssize_t>(first.size() + second.size()));
    });
    std::string a(500'000, 0), b(1'100'000, 0);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    // What comes beside ends a read, also one for all; the rest comes in a second one.
    const ssize_t begun = ::recvmsg(s.fds[0], &message, MSG_WAITALL);
    ASSERT_GT(begun, 0);
    std::string all = (a + b).substr(0, static_cast<std::size_t>(begun));
    msghdr rest{};
    rest.msg_iov = pieces;
    rest.msg_iovlen = 2;
    const std::size_t left = first.size() + second.size() - all.size();
    pieces[0] = {a.data(), 1000};
    pieces[1] = {b.data(), left - 1000};
    b.resize(left);
    pieces[1].iov_base = b.data();
    EXPECT_EQ(::recvmsg(s.fds[0], &rest, MSG_WAITALL), static_cast<ssize_t>(left));
    all += a.substr(0, 1000) + b.substr(0, left - 1000);
    EXPECT_TRUE(all == first + second);
    ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
    int received = -1;
    std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    EXPECT_GE(received, 0);
    ::close(received);
  });
}

}  // namespace
