// A signal cancels a context; workers finish what they have and go home.
#include <weft/weft.h>

#include <csignal>
#include <cstdio>

int main() {
  return weft::run([] {
    auto ctx = weft::with_signals(weft::background(), {SIGINT, SIGTERM});
    weft::chan<int> jobs;
    int done = 0;

    weft::wait_group worker;
    worker.go([&] {
      for (;;) {
        auto job = weft::on_recv(jobs);
        auto quit = weft::on_done(ctx);
        weft::select(job, quit);
        if (quit) return;
        if (auto number = job.take()) done = *number;
      }
    });

    for (int i = 1; i <= 3; ++i) jobs.send(i);
    std::raise(SIGTERM);  // as `kill` would
    worker.wait();
    std::printf("stopped after job %d: %s\n", done, ctx.cause().message().c_str());
  });
}
