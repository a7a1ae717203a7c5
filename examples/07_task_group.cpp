// Tasks that never outlive their scope. The first error cancels the rest and is what wait() returns.
#include <weft/weft.h>

#include <atomic>
#include <cstdio>
#include <initializer_list>
#include <string>

using namespace std::chrono_literals;

weft::result<int> price_at(const weft::context& ctx, const std::string& shop) {
  if (shop == "closed") return weft::fail(std::errc::host_unreachable, "price_at");
  if (shop == "slow") {
    auto answer = weft::on_timeout(1h);
    auto quit = weft::on_done(ctx);
    weft::select(answer, quit);
    if (quit) {
      std::printf("slow shop: given up, because %s\n", ctx.cause().message().c_str());
      return weft::fail(ctx.err(), "price_at");
    }
  }
  return static_cast<int>(shop.size()) * 10;
}

weft::result<int> total(std::initializer_list<std::string> shops) {
  std::atomic<int> sum = 0;
  weft::task_group tasks;
  for (const std::string& shop : shops) {
    tasks.go([&sum, &shop](const weft::context& ctx) -> weft::result<void> {
      auto price = price_at(ctx, shop);
      if (!price) return weft::fail(price);
      sum += *price;
      return {};
    });
  }
  if (auto all = tasks.wait(); !all) return weft::fail(all, "total");
  return sum.load();
}

int main() {
  return weft::run([] {
    for (auto answer : {total({"corner", "market"}), total({"corner", "slow", "closed"})}) {
      if (answer)
        std::printf("total: %d\n", *answer);
      else
        std::printf("%s\n", answer.error().message().c_str());
    }
  });
}
