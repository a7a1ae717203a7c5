// A key-value server that speaks Redis's protocol: redis-cli and redis-benchmark talk to it. PING, ECHO, SET, GET, INCR, DEL.
//
//   24_redis_server :6379        without an argument: a short conversation with itself
#include <weft/net.h>
#include <weft/weft.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

weft::mutex lock;
std::unordered_map<std::string, std::string> store;  // guarded by lock
using words = std::vector<std::string>;

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

std::string answer(words& ask) {
  std::ranges::transform(ask[0], ask[0].begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto is = [&](const char* name, std::size_t size) { return ask[0] == name && ask.size() == size; };
  if (is("PING", 1)) return "+PONG\r\n";
  if (is("PING", 2) || is("ECHO", 2)) return bulk(ask[1]);
  std::lock_guard hold(lock);
  if (is("SET", 3)) return store[ask[1]] = ask[2], "+OK\r\n";
  if (is("DEL", 2)) return ":" + std::to_string(store.erase(ask[1])) + "\r\n";
  if (is("GET", 2)) return store.contains(ask[1]) ? bulk(store[ask[1]]) : "$-1\r\n";
  if (is("INCR", 2)) return ":" + (store[ask[1]] = std::to_string(std::atoll(store[ask[1]].c_str()) + 1)) + "\r\n";
  return "-ERR unknown command\r\n";
}

weft::result<words> read_command(weft::io::buffered_reader<weft::net::tcp_conn>& in) {
  auto head = in.read_line(64);
  if (!head) return weft::fail(head);
  if (!head->starts_with('*')) return words{*head};  // typed by hand: one word
  words ask(static_cast<std::size_t>(std::clamp(std::atoi(head->c_str() + 1), 1, 16)));
  for (std::string& word : ask) {
    auto size = in.read_line(64);
    if (!size || !size->starts_with('$')) return weft::fail(std::errc::bad_message, "read_command");
    word.resize(static_cast<std::size_t>(std::clamp(std::atoi(size->c_str() + 1), 0, 1 << 20)));
    if (auto got = in.read_full(std::span(word)); !got || !in.read_line(2)) return weft::fail(std::errc::io_error);
  }
  return ask;
}

void serve(weft::net::tcp_conn client) {
  weft::io::buffered_reader in(client);
  weft::io::buffered_writer out(client);
  while (auto ask = read_command(in)) {
    if (!out.write(answer(*ask))) return;
    if (in.buffered() == 0 && !out.flush()) return;  // a pipeline is answered in one piece
  }
}

int main(int argc, char** argv) {
  return weft::run([&] {
    auto listener = weft::net::listen_tcp(argc > 1 ? argv[1] : "127.0.0.1:0").value();
    auto accept_all = [&] { while (auto client = listener.accept()) weft::go(serve, std::move(*client)); };
    if (argc > 1) return accept_all();
    weft::go(accept_all);
    auto conn = weft::net::dial_tcp(listener.local().to_string()).value();
    static_cast<void>(conn.write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n41\r\n*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
    weft::io::buffered_reader in(conn);
    for (int i = 0; i < 4; ++i) std::puts(in.read_line()->c_str());
    std::exit(0);
  });
}
