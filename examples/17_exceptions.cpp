// Exceptions belong to the goroutine: it may park inside a catch block, resume on another thread, and rethrow.
#include <weft/weft.h>

#include <cstdio>
#include <stdexcept>

struct parks_when_destroyed {
  const char* name;
  ~parks_when_destroyed() {
    weft::yield();
    std::printf("unwound %s, exceptions in flight: %d\n", name, std::uncaught_exceptions());
  }
};

void risky() {
  parks_when_destroyed resource{"resource"};
  throw std::runtime_error("broken");
}

int main() {
  return weft::run([] {
    weft::chan<void> others_ran;
    weft::go([=] { others_ran.send(); });
    try {
      try {
        risky();
      } catch (const std::exception& e) {
        others_ran.recv();  // parks here, the exception stays ours
        std::printf("caught %s\n", e.what());
        throw;
      }
    } catch (const std::runtime_error& e) {
      std::printf("caught %s again\n", e.what());
    }

    weft::task_group tasks;
    tasks.go([] { throw std::out_of_range("in a task"); });
    try {
      static_cast<void>(tasks.wait());
    } catch (const std::out_of_range& e) {
      std::printf("rethrown by wait(): %s\n", e.what());
    }
  });
}
