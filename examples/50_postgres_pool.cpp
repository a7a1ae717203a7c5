// A worker pool over PostgreSQL: libpq as it comes, whose blocking calls park the goroutine because weft::hook is linked.
//
//   ./50_postgres_pool "host=/run/postgresql dbname=postgres"
#include <libpq-fe.h>
#include <weft/weft.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

struct job {
  int number;
  weft::chan<int> answer;
};

// One connection, one query after the other, until there are no more.
weft::result<void> work(const char* where, weft::receiver<job> jobs) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> db(PQconnectdb(where), PQfinish);
  if (PQstatus(db.get()) != CONNECTION_OK) return weft::fail(std::errc::not_connected, PQerrorMessage(db.get()));
  for (job j : jobs) {
    const std::string query = "select " + std::to_string(j.number) + " * 2 from pg_sleep(0.05)";
    const std::unique_ptr<PGresult, decltype(&PQclear)> rows(PQexec(db.get(), query.c_str()), PQclear);
    j.answer.send(PQresultStatus(rows.get()) == PGRES_TUPLES_OK ? std::atoi(PQgetvalue(rows.get(), 0, 0)) : -1);
  }
  return {};
}

int main(int argc, char** argv) {
  const char* const where = argc > 1 ? argv[1] : "";
  return weft::run([where] {
    constexpr int workers = 20, questions = 200;
    const auto start = weft::clock::now();
    weft::chan<job> jobs;
    weft::task_group pool;
    for (int i = 0; i < workers; ++i) pool.go([&] { return work(where, jobs); });

    weft::chan<int> answers(questions);
    pool.go([&] {
      for (int n = 1; n <= questions; ++n) {
        auto ask = weft::on_send(jobs, job{n, answers});
        auto quit = weft::on_done(pool.ctx());  // a worker that cannot connect ends them all
        weft::select(ask, quit);
        if (quit) break;
      }
      jobs.close();
    });
    if (auto all = pool.wait(); !all) {
      std::fprintf(stderr, "%s\n", all.error().message().c_str());
      return 1;
    }
    long sum = 0;
    while (auto one = answers.try_recv()) sum += *one;
    const bool at_once = weft::clock::now() - start < 5s;  // one after the other: ten seconds
    std::printf("%d answers, their sum is %ld; %s\n", questions, sum, at_once ? "many at a time" : "one after the other");
    return 0;
  });
}
