// Select: wait for several things, exactly one happens. Cases have names and are asked afterwards.
#include <weft/weft.h>

#include <cstdio>

using namespace std::chrono_literals;

int main() {
  return weft::run([] {
    weft::chan<int> answers;

    auto answer = weft::on_recv(answers);
    auto late = weft::on_timeout(10ms);
    weft::select(answer, late);
    if (late) std::puts("nobody answered within 10 ms");

    weft::go([answers] { answers.send(7); });
    auto patience = weft::on_timeout(1h);
    weft::select(answer, patience);
    if (answer) std::printf("answer: %d\n", *answer.take());

    // try_select never blocks: Go's default case.
    std::printf("another one right now: %s\n", weft::try_select(answer) ? "yes" : "no");

    // A case can be switched off by a condition, and a send can be a case.
    weft::chan<int> outbox(1);
    for (int i = 0; i < 2; ++i) {
      auto post = weft::on_send(outbox, 100 + i);
      auto full = weft::on_timeout(1ms);
      weft::select(weft::when(outbox.size() < outbox.capacity(), post), full);
      std::printf("%d: %s\n", 100 + i, post ? "posted" : "outbox is full");
    }
  });
}
