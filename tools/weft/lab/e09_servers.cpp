// E9: four ways to build an echo server.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/net.h>
#include <weft/runtime.h>

#include <algorithm>
#include <array>
#include <thread>

#include "echo_load.h"
#include "experiments.h"
#include "judge.h"
#include "proc_status.h"
#include "sheet.h"

namespace weft::lab {
namespace {

constexpr std::size_t buffer_size = 1024;
constexpr long pool_size = 8;

bool echo_once(int fd) {
  std::array<char, buffer_size> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  return got > 0 && ::send(fd, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

// The servers end with the process: every run has its own.
void thread_per_connection(int listener) {
  for (int fd; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
    std::thread([fd] {
      while (echo_once(fd)) {
      }
      ::close(fd);
    }).detach();
}

// Whoever takes an event serves it alone: one-shot, and armed again.
void serve_events(int poller, int listener, bool is_shared) {
  const std::uint32_t events = is_shared ? EPOLLIN | EPOLLONESHOT : EPOLLIN;
  const auto arm = [&](int operation, int fd) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(poller, operation, fd, &event);
  };
  std::array<epoll_event, 64> found;
  while (true) {
    const int count = ::epoll_wait(poller, found.data(), is_shared ? 1 : static_cast<int>(found.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = found[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int fresh = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fresh >= 0) arm(EPOLL_CTL_ADD, fresh);
      } else if (!echo_once(fd)) {
        ::close(fd);
        continue;
      }
      if (is_shared) arm(EPOLL_CTL_MOD, fd);
    }
  }
}

void start_pool(int listener, long threads) {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  if (threads > 1) event.events |= EPOLLONESHOT;
  ::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (long i = 0; i < threads; ++i) std::thread([=] { serve_events(poller, listener, threads > 1); }).detach();
}

// `start` is given the listener and returns at once. `threads_each`: threads that a connection needs.
template <class Start>
void run(sheet& s, long threads_each, Start start) {
  long wanted = s.argument("connections");
  if (threads_each > 0) wanted = s.threads_allowed(wanted);
  const long allowed = connections_allowed(wanted);
  if (allowed < wanted) s.limited("open files: raise ulimit -n");
  std::uint16_t port = 0;
  const int listener = listen_on_loopback(port);
  if (listener < 0) return s.refused("no listener on the loopback");
  start(listener);
  const double before = read_proc_status().memory_bytes();
  const echo_load load(port, allowed, s.argument("run-ms"), s.argument("idle") != 0);
  blocking([&] { s.adopt(load.sheet()); });
  const double after = read_proc_status().memory_bytes();
  s.set("memory_bytes", after);
  s.set("memory_each_bytes", std::max(0.0, after - before) / static_cast<double>(allowed));
}

void per_connection(sheet& s) {
  run(s, 1, [](int listener) { std::thread([=] { thread_per_connection(listener); }).detach(); });
}
void pool(sheet& s) {
  run(s, 0, [](int listener) { start_pool(listener, pool_size); });
}
void event_loop(sheet& s) {
  run(s, 0, [](int listener) { start_pool(listener, 1); });
}

void goroutine_per_connection(sheet& s) {
  run(s, 0, [](int listener) {
    auto adopted = net::tcp_listener::adopt(listener);
    if (!adopted) return;
    go([server = std::move(*adopted)]() mutable {
      while (auto client = server.accept())
        go([client = std::move(*client)]() mutable {
          std::array<char, buffer_size> buffer;
          while (auto got = client.read(buffer))
            if (*got == 0 || !client.write(std::string_view(buffer.data(), *got))) return;
        });
    });
  });
}

constexpr std::array<long, 3> sizes{100, 1'000, 10'000};

std::vector<job> plan(const arguments& given) {
  const long most = given.at("most-connections");
  std::vector<job> jobs;
  for (const long wanted : sizes) {
    const long n = wanted < most ? wanted : most;
    for (const long idle : {0, 1}) {
      const auto add = [&](kind who, const std::string& form) {
        jobs.push_back({who, form, {{"connections", n}, {"idle", idle}},
                        std::string(kind_name(who)) + ", " + form + (idle ? ", idle" : ", busy")});
      };
      for (const char* form : {"per connection", "pool of 8", "event loop"}) add(kind::threads, form);
      add(kind::goroutines, "per connection");
      add(kind::go, "per connection");
    }
    if (n == most) break;
  }
  return jobs;
}

void verdict(judge& j) {
  const long most = std::min(j.parameter("most-connections"), sizes.back());
  const arguments busy{{"connections", most}, {"idle", 0}}, idle{{"connections", most}, {"idle", 1}};
  const auto speed = [&](kind who, const char* form) {
    return j.ratio({kind::goroutines, "per connection", busy}, {who, form, busy}, "requests_per_second");
  };
  j.complete("every connection has its goroutine", {kind::goroutines, "per connection", busy});
  j.at_least("with most connections, busy: goroutines against an event loop", speed(kind::threads, "event loop"), 0.7);
  j.at_least("the same against Go", speed(kind::go, "per connection"), 1.0);
  j.at_most("memory of an idle connection, against a thread each",
            j.ratio({kind::goroutines, "per connection", idle}, {kind::threads, "per connection", idle}, "memory_each_bytes"),
            1.0);
  j.at_most("threads of the goroutine server", j.figure({kind::goroutines, "per connection", busy}, "peak_threads"), 64, "");
}

}  // namespace

experiment e09_servers() {
  return {.id = "e9",
          .name = "servers",
          .title = "Four echo servers",
          .what =
              "An echo server as a thread per connection, a pool of 8 threads, an event loop, and a goroutine per "
              "connection; 100, 1,000 and 10,000 connections over the loopback, messages of 64 bytes. Busy: one message "
              "on its way in each of them. Idle: one in all of them, in turns. The load is a process of its own.",
          .claim = "Code as plain as a thread per connection, at about the speed of an event loop, with a handful of threads.",
          .parameters = {{"most-connections", "no more connections than that", 10'000, 1'000},
                         {"run-ms", "how long each run lasts, in ms", 2'000, 500}},
          .bodies = {{kind::threads, "per connection", &per_connection},
                     {kind::threads, "pool of 8", &pool},
                     {kind::threads, "event loop", &event_loop},
                     {kind::goroutines, "per connection", &goroutine_per_connection}},
          .plan = &plan,
          .columns = {{"connections", "connections"},
                      {"requests_per_second", "requests/s"},
                      {"answer_p50_s", "p50"},
                      {"answer_p99_s", "p99"},
                      {"answer_p999_s", "p99.9"},
                      {"peak_threads", "threads"},
                      {"memory_bytes", "memory"},
                      {"memory_each_bytes", "each"},
                      {"cpu_s", "CPU"}},
          .charts = {{chart::type::lines, "Requests per second", {"requests_per_second"}, "connections", true},
                     {chart::type::lines, "Memory", {"memory_bytes"}, "connections", true},
                     {chart::type::lines, "Threads", {"peak_threads"}, "connections", true}},
          .verdict = &verdict};
}

}  // namespace weft::lab
