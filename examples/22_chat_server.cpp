// A chat room: what one member says, the others hear. One goroutine owns the list of members, so nothing is locked; each
// member has one goroutine that reads and one that writes, so a slow member holds nobody up: it misses lines instead.
#include <weft/net.h>
#include <weft/weft.h>

#include <cstdio>
#include <map>

struct room {
  struct line {
    int from;
    std::string text;
  };
  weft::chan<std::pair<int, weft::chan<std::string>>> joining;
  weft::chan<int> leaving;
  weft::chan<line> said;

  void run() const {
    std::map<int, weft::chan<std::string>> members;
    while (true) {
      auto join = weft::on_recv(joining);
      auto leave = weft::on_recv(leaving);
      auto speak = weft::on_recv(said);
      weft::select(join, leave, speak);
      if (join) members.insert(*join.take());
      if (leave) members.extract(*leave.take()).mapped().close();
      if (speak) {
        const line spoken = *speak.take();
        for (auto& [id, inbox] : members)
          if (id != spoken.from) inbox.try_send(std::to_string(spoken.from) + ": " + spoken.text + "\n");
      }
    }
  }

  void welcome(int id, weft::net::tcp_conn conn) const {
    weft::chan<std::string> inbox(16);
    joining.send({id, inbox});
    weft::wait_group writer;
    writer.go([&] {
      for (const std::string& text : inbox)
        if (!conn.write(text)) return;
    });
    if (conn.write("welcome\n")) {
      weft::io::buffered_reader in(conn);
      while (auto text = in.read_line(1000)) said.send({id, *text});
    }
    leaving.send(id);
    writer.wait();
  }
};

int main() {
  return weft::run([] {
    auto listener = weft::net::listen_tcp("127.0.0.1:0").value();
    room lobby;
    weft::go([lobby] { lobby.run(); });
    weft::go([&listener, lobby] {
      for (int id = 1; auto conn = listener.accept(); ++id)
        weft::go([lobby, id, conn = std::move(*conn)]() mutable { lobby.welcome(id, std::move(conn)); });
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
