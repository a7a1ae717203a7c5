// libpq and PostgreSQL. A connection is a process of the server, which allows 100 of them by default: here max_connections is
// raised to 1,100.
#include <libpq-fe.h>

#include "hook/many_queries.h"
#include "hook/servers.h"

namespace {

using hook_test::words;

std::string connection_text(int port) {
  return "host=127.0.0.1 user=weft dbname=postgres sslmode=disable gssencmode=disable port=" + std::to_string(port);
}

struct postgres_client {
  explicit postgres_client(int port) : connection(PQconnectdb(connection_text(port).c_str())) {}
  ~postgres_client() { PQfinish(connection); }
  bool ask(int i) const {
    const std::string query = "select " + std::to_string(i) + " from pg_sleep(0.1)";
    PGresult* const result = PQexec(connection, query.c_str());
    const bool is_right = PQresultStatus(result) == PGRES_TUPLES_OK && std::atoi(PQgetvalue(result, 0, 0)) == i;
    PQclear(result);
    return is_right;
  }
  PGconn* const connection;
};

struct simple_client : postgres_client {
  using postgres_client::postgres_client;
  bool ask(int) const {  // the proxy waits, not the server
    PGresult* const result = PQexec(connection, "select 1");
    const bool is_right = PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    return is_right;
  }
};

TEST(hook_postgres, a_thousand_queries_at_once) {
  hook_test::server postgres(
      "postgres",
      [](const auto& folder, int port) {
        return words{"-D", folder / "data", "-p", std::to_string(port), "-c", "listen_addresses=127.0.0.1",
                     "-c", "unix_socket_directories=", "-c", "max_connections=1100", "-c", "shared_buffers=16MB",
                     "-c", "fsync=off", "-c", "autovacuum=off"};
      },
      [](const auto& folder, int) {
        return words{hook_test::find_program("initdb"), "-D", folder / "data", "-U", "weft", "-A", "trust", "--no-sync",
                     "--no-locale"};
      });
  if (!postgres.is_there()) GTEST_SKIP() << postgres.why_not();
  const auto text = connection_text(postgres.port());
  ASSERT_TRUE(support::eventually([&] { return PQping(text.c_str()) == PQPING_OK; }));
  hook_test::expect_many<postgres_client>("libpq", postgres.port(), 1000);
#ifdef WEFT_POSTGRES_EXAMPLE
  const auto printed = weft::os::command(WEFT_POSTGRES_EXAMPLE, {text}).output();
  ASSERT_TRUE(printed) << printed.error();
  EXPECT_EQ(*printed, weft::io::read_all(*weft::os::open(WEFT_POSTGRES_EXPECTED)).value_or("?"));
#endif
  hook_test::slow_proxy proxy(postgres.port());
  hook_test::expect_many<simple_client>("libpq behind a slow proxy", proxy.port(), 100);
}

}  // namespace
