// What a channel does: hand over, buffer, refuse, close, drain.
#include <weft/weft.h>

#include <cstdio>

int main() {
  return weft::run([] {
    // Capacity 0: send() returns when the receiver has the value.
    weft::chan<int> handover;
    weft::go([handover] { handover.send(42); });
    std::printf("handed over: %d\n", *handover.recv());

    // Capacity 2: two values wait, a third one would block.
    weft::chan<int> buffered(2);
    buffered.send(1);
    buffered.send(2);
    std::printf("room for a third: %s\n", buffered.try_send(3) ? "yes" : "no");

    // Close means: no more values. What is buffered is still received.
    buffered.close();
    for (int value : buffered) std::printf("drained: %d\n", value);
    std::printf("then: %s\n", buffered.recv() ? "a value" : "nothing");

    // What only the caller can get wrong is an exception.
    try {
      buffered.send(4);
    } catch (const weft::misuse&) {
      std::puts("send on a closed channel throws");
    }

    // chan<void> carries no value: it is a signal. A close reaches everybody.
    weft::chan<void> start;
    weft::wait_group runners;
    for (int i = 0; i < 3; ++i) runners.go([start] { start.recv(); });
    start.close();
    runners.wait();
    std::puts("three started by one close");
  });
}
