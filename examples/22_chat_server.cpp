// A chat room: what one member says, the others hear. Each member has one goroutine that reads and one that writes, so a slow
// member holds nobody up: it misses lines instead.
#include <weft/net.h>
#include <weft/weft.h>

#include <cstdio>
#include <map>

class room {
 public:
  void welcome(int id, weft::net::tcp_conn conn) {
    weft::chan<std::string> inbox(16);
    inbox.send("welcome\n");
    locked([&] { members_.insert({id, inbox}); });
    weft::wait_group writer;
    writer.go([&] {
      for (const std::string& text : inbox)
        if (!conn.write(text)) return;
    });
    weft::io::buffered_reader in(conn);
    while (auto text = in.read_line(1000)) say(id, std::to_string(id) + ": " + *text + "\n");
    locked([&] { members_.erase(id); });
    inbox.close();
    writer.wait();
  }

 private:
  void say(int from, const std::string& text) {
    locked([&] {
      for (auto& [id, inbox] : members_)
        if (id != from) inbox.try_send(std::string(text));
    });
  }
  void locked(auto change) {
    std::lock_guard hold(lock_);
    change();
  }
  weft::mutex lock_;
  std::map<int, weft::chan<std::string>> members_;  // guarded by lock_
};

int main() {
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0").value();
    room lobby;
    weft::go([&] {
      for (int id = 1; auto conn = listener.accept(); ++id) weft::go(&room::welcome, &lobby, id, std::move(*conn));
    });
    const std::string where = listener.local().to_string();
    auto alice = weft::net::dial_tcp(where).value();
    weft::io::buffered_reader alice_hears(alice);
    std::puts(alice_hears.read_line()->c_str());
    auto bob = weft::net::dial_tcp(where).value();
    weft::io::buffered_reader bob_hears(bob);
    std::puts(bob_hears.read_line()->c_str());
    static_cast<void>(alice.write("hello, Bob\n"));
    std::puts(bob_hears.read_line()->c_str());
    static_cast<void>(bob.write("hello, Alice\n"));
    std::puts(alice_hears.read_line()->c_str());
    std::exit(0);  // the server runs for ever
  });
}
