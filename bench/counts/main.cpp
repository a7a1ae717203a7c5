// weft-bench-counts OPERATION TIMES: does one operation so many times on one processor, for counting its instructions
// (bench/counts/run). The operations are those of the rows of `weft bench`, cut down to the loop; those whose counts differ by
// 10 % from run to run are left out: what waits for the clock, and contended mutexes.
#include <weft/weft.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

void spawn_all(long times) {
  constexpr long burst = 1000;
  weft::wait_group group;
  for (long done = 0; done < times; done += burst) {
    for (long i = 0; i < burst; ++i) group.go([] {});
    group.wait();
  }
}

void spawn_one(long times) {
  weft::wait_group one;
  for (long i = 0; i < times; ++i) {
    one.go([] {});
    one.wait();
  }
}

void wait_group_add(long times) {
  weft::wait_group group;
  for (long i = 0; i < times; ++i) {
    group.add(1);
    group.done();
  }
}

// Per leaf: a tenth of an inner node comes on top.
void skynet_node(const weft::chan<long>& result, long first, long leaves) {
  if (leaves == 1) return result.send(first);
  weft::chan<long> children;
  const long each = leaves / 10;
  for (long i = 0; i < 10; ++i) weft::go([=] { skynet_node(children, first + i * each, each); });
  long sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.recv();
  result.send(sum);
}

void skynet(long times) {
  weft::chan<long> result;
  for (long done = 0; done < times; done += 1000) {
    weft::go([=] { skynet_node(result, 0, 1000); });
    result.recv();
  }
}

void timer_stop(long times) {
  for (long i = 0; i < times; ++i) {
    weft::timer unneeded(1h);
    unneeded.stop();
  }
}

void yield(long times) {
  weft::wait_group both;
  for (int i = 0; i < 2; ++i)
    both.go([times] {
      for (long k = 0; k < times / 2; ++k) weft::yield();
    });
  both.wait();
}

void pingpong(long times) {
  weft::chan<int> there, back;
  weft::go([=] {
    while (auto ball = there.recv()) back.send(*ball);
  });
  for (long i = 0; i < times; ++i) {
    there.send(1);
    back.recv();
  }
}

void pass(long times, int each_side) {
  weft::chan<long> items(128);
  weft::wait_group consumers, producers;
  for (int i = 0; i < each_side; ++i) {
    consumers.go([=] {
      while (items.recv()) {
      }
    });
    producers.go([=] {
      for (long k = 0; k < times / each_side; ++k) items.send(k);
    });
  }
  producers.wait();
  items.close();
  consumers.wait();
}
void spsc(long times) { pass(times, 1); }
void mpmc(long times) { pass(times, 4); }

void mutex_free(long times) {
  weft::mutex m;
  [[maybe_unused]] long sum = 0;
  for (long i = 0; i < times; ++i) {
    const std::lock_guard hold(m);
    ++sum;
  }
}

// One of two holds values.
void select2_ready(long times) {
  weft::chan<long> full(1024), empty(1024);
  for (long i = 0; i < times; ++i) {
    if (i % 1024 == 0)
      for (long k = 0; k < 1024; ++k) full.send(k);
    auto a = weft::on_recv(full);
    auto b = weft::on_recv(empty);
    weft::select(a, b);
  }
}

void select2_block(long times) {
  weft::chan<long> in[2] = {weft::chan<long>(), weft::chan<long>()};
  weft::chan<long> out;
  weft::go([=] {
    for (long i = 0; i < times; ++i) {
      auto a = weft::on_recv(in[0]);
      auto b = weft::on_recv(in[1]);
      weft::select(a, b);
      out.send(a ? *a.take() : *b.take());
    }
  });
  for (long i = 0; i < times; ++i) {
    in[i % 2].send(i);
    out.recv();
  }
}

void select_none(long times) {
  weft::chan<long> one(1), other(1);
  for (long i = 0; i < times; ++i) {
    auto a = weft::on_recv(one);
    auto b = weft::on_recv(other);
    weft::try_select(a, b);
  }
}

struct operation {
  std::string_view name;
  void (*repeat)(long times);
};

constexpr operation operations[] = {
    {"yield", yield}, {"pingpong", pingpong}, {"spsc", spsc}, {"mpmc", mpmc}, {"mutex_free", mutex_free},
    {"select2_ready", select2_ready}, {"select2_block", select2_block},
    {"select_none", select_none}, {"spawn_all", spawn_all}, {"spawn_one", spawn_one}, {"wait_group_add", wait_group_add},
    {"skynet", skynet}, {"timer_stop", timer_stop},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    for (const operation& each : operations) std::puts(std::string(each.name).c_str());
    return 0;
  }
  const long times = argc == 3 ? std::atol(argv[2]) : 0;
  for (const operation& each : operations) {
    if (times < 1 || each.name != argv[1]) continue;
    weft::run([&] { each.repeat(times); }, {.procs = 1});
    std::_Exit(0);
  }
  std::fprintf(stderr, "usage: weft-bench-counts --list | OPERATION TIMES (see bench/README.md)\n");
  return 2;
}
