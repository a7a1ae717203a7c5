// The program that introduces weft, as a user types it: it must compile as it stands and do what it says.
#include <weft/weft.h>

#include <gtest/gtest.h>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

int jobs_seen = 0;

void heartbeat(const weft::context& ctx, weft::receiver<int> jobs) {
  weft::ticker beat(1s);
  for (int seen = 0;;) {
    auto job  = weft::on_recv(jobs);
    auto tick = weft::on_tick(beat);
    auto quit = weft::on_done(ctx);
    weft::select(job, tick, quit);
    if (quit) return;
    if (tick) std::printf("%d jobs\n", seen);
    if (job) {
      if (auto v = job.take()) jobs_seen = seen += *v; else return;
    }
  }
}

struct request_id { using type = int; };

weft::result<int> doubled(const weft::context& ctx, int v) {
  if (ctx.cancelled()) return weft::fail(ctx.err(), "doubled");
  if (v < 0) return weft::fail(std::errc::invalid_argument, "doubled");
  return 2 * v;
}

}  // namespace

TEST(reference_program, heartbeat_counts_every_job) {
  const int status = weft::run([] {
    auto ctx  = weft::with_timeout(weft::background(), 30s);
    weft::chan<int> jobs(64);
    weft::wait_group wg;
    wg.go([&] { heartbeat(ctx, jobs); });
    for (int i = 0; i < 1000; ++i) jobs.send(1);
    jobs.close();
    wg.wait();
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(jobs_seen, 1000);
}

TEST(reference_program, errors_travel_as_values) {
  weft::run([] {
    auto ctx = weft::with_value<request_id>(weft::background(), 17);
    EXPECT_EQ(doubled(ctx, 4), 8);
    weft::task_group group(ctx, {.limit = 2});
    for (int v : {1, 2, -3, 4}) group.go([v](const weft::context& inner) { return doubled(inner, v); });
    const auto all = group.wait();
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error(), std::errc::invalid_argument);
    EXPECT_EQ(*group.ctx().value<request_id>(), 17);
  });
}

TEST(reference_program, the_standard_library_protocols_fit) {
  weft::run([] {
    weft::chan<int> ch(10);
    for (int i = 1; i <= 10; ++i) ch.send(i);
    ch.close();
    int sum = 0;
    for (int v : ch) sum += v;
    EXPECT_EQ(sum, 55);
    weft::mutex a, b;
    std::scoped_lock both(a, b);
    EXPECT_FALSE(a.try_lock());
  });
}
