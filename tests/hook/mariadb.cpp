// MariaDB's client library and server. A connection is a thread of the server, which allows 151 of them by default: here
// max_connections is raised to 1,100.
#include <mysql.h>

#include <cstdlib>

#include "hook/many_queries.h"
#include "hook/servers.h"

namespace {

using hook_test::words;

struct mariadb_client {
  explicit mariadb_client(int port) : connection(mysql_init(nullptr)) {
    const unsigned tcp = MYSQL_PROTOCOL_TCP;
    mysql_options(connection, MYSQL_OPT_PROTOCOL, &tcp);
    if (!mysql_real_connect(connection, "127.0.0.1", "root", nullptr, nullptr, static_cast<unsigned>(port), nullptr, 0))
      std::printf("connect: %s\n", mysql_error(connection));
  }
  ~mariadb_client() { mysql_close(connection); }
  bool ask(int) const {
    if (mysql_query(connection, "select sleep(0.1)") != 0) return false;
    MYSQL_RES* const rows = mysql_store_result(connection);
    const bool is_right = rows && mysql_num_rows(rows) == 1;
    mysql_free_result(rows);
    return is_right;
  }
  MYSQL* const connection;
};

TEST(hook_mariadb, a_thousand_queries_at_once) {
  mysql_library_init(0, nullptr, nullptr);
  hook_test::server mariadb(
      "mariadbd",
      [](const auto& folder, int port) {
        return words{"--no-defaults", "--datadir=" + (folder / "data").string(), "--port=" + std::to_string(port),
                     "--bind-address=127.0.0.1", "--socket=" + (folder / "socket").string(), "--skip-grant-tables",
                     "--skip-networking=0", "--max-connections=1100", "--back-log=300", "--thread-stack=256K",
                     "--innodb-buffer-pool-size=16M",
                     "--innodb-flush-log-at-trx-commit=0", "--pid-file=" + (folder / "pid").string()};
      },
      [](const auto& folder, int) {
        return words{hook_test::find_program("mariadb-install-db"), "--no-defaults",
                     "--datadir=" + (folder / "data").string(), "--auth-root-authentication-method=normal",
                     "--skip-test-db"};
      });
  if (!mariadb.is_there()) GTEST_SKIP() << mariadb.why_not();
  hook_test::expect_many<mariadb_client>("libmariadb", mariadb.port(), 1000);
}

}  // namespace
