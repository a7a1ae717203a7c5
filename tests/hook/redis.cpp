// hiredis and Redis. BLPOP on a key that stays empty waits in the server for as long as it is told.
#include <hiredis/hiredis.h>

#include "hook/many_queries.h"
#include "hook/servers.h"

namespace {

using hook_test::words;

struct redis_client {
  explicit redis_client(int port) : context(redisConnect("127.0.0.1", port)) {}
  ~redis_client() { redisFree(context); }
  bool ask(int i) const {
    auto* const reply = static_cast<redisReply*>(redisCommand(context, "BLPOP nothing:%d 0.1", i));
    const bool is_nil = reply && reply->type == REDIS_REPLY_NIL;
    if (reply) freeReplyObject(reply);
    return is_nil;
  }
  redisContext* const context;
};

TEST(hook_redis, a_thousand_queries_at_once) {
  hook_test::server redis("redis-server", [](const auto& folder, int port) {
    return words{"--port", std::to_string(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                 "--maxclients", "2000"};
  });
  if (!redis.is_there()) GTEST_SKIP() << redis.why_not();
  hook_test::expect_many<redis_client>("hiredis", redis.port(), 1000);
}

}  // namespace
