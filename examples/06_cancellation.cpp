// Cancellation and request values flow down a tree of contexts, never up.
#include <weft/weft.h>

#include <cstdio>
#include <string>

using namespace std::chrono_literals;

struct user_key {
  using type = std::string;
};

void wait_for_news(const weft::context& ctx, const char* who) {
  weft::chan<int> news;  // nobody ever sends
  auto item = weft::on_recv(news);
  auto quit = weft::on_done(ctx);
  weft::select(item, quit);
  std::printf("%s for %s: %s\n", who, ctx.value<user_key>()->c_str(), ctx.cause().message().c_str());
}

int main() {
  return weft::run([] {
    auto request = weft::with_cancel(weft::with_value<user_key>(weft::background(), "ada"));

    {
      auto brief = weft::with_timeout(request, 10ms);
      wait_for_news(brief, "brief");
    }
    std::printf("the request itself is %s\n", request.cancelled() ? "cancelled" : "alive");

    weft::wait_group waiting;
    waiting.go([&] { wait_for_news(request, "patient"); });
    weft::sleep(1ms);
    request.cancel(weft::error(std::errc::connection_reset, "client"));
    waiting.wait();

    // Derived from something cancelled: cancelled from the start.
    auto too_late = weft::with_cancel(request);
    std::printf("too late: %s\n", too_late.err().message().c_str());
  });
}
