// thread_local belongs to the worker thread; weft::local belongs to the goroutine, wherever it runs.
#include <weft/weft.h>

#include <cstdio>
#include <string>

weft::local<std::string> request_id;

std::string log_line(const char* text) { return "[" + *request_id + "] " + text; }

std::string handle(int number) {
  *request_id = "request " + std::to_string(number);
  weft::yield();  // others run here, and set theirs
  return log_line("done");
}

int main() {
  return weft::run([] {
    std::string lines[4];
    weft::wait_group handlers;
    for (int i = 0; i < 4; ++i) handlers.go([&, i] { lines[i] = handle(i); });
    handlers.wait();
    for (const std::string& line : lines) std::puts(line.c_str());
    std::puts(log_line("main has its own").c_str());
  });
}
