#!/bin/sh
# redis-cli and redis-benchmark talk to the example server: redis.sh PATH-OF-24_redis_server. 77: the tools are not here.
command -v redis-cli >/dev/null && command -v redis-benchmark >/dev/null || exit 77
port=$((20000 + $$ % 12000))  # below those that the kernel gives to connections, of other tests too
"$1" "127.0.0.1:$port" & server=$!
trap 'kill $server' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ "$(redis-cli -p $port ping 2>/dev/null)" = PONG ] && break
  sleep 0.1
done
ask() { redis-cli -p $port "$@"; }
[ "$(ask set key "a value")" = OK ] && [ "$(ask get key)" = "a value" ] && [ "$(ask incr n)" = 1 ] && [ "$(ask incr n)" = 2 ] &&
  [ "$(ask del key)" = 1 ] && [ -z "$(ask get key)" ] || { echo "redis-cli got a wrong answer"; exit 1; }
redis-benchmark -p $port -t ping,set,get,incr -n 20000 -c 50 -P 4 -q
[ "$(ask get counter:__rand_int__)" = 20000 ] || { echo "increments were lost: $(ask get counter:__rand_int__)"; exit 1; }
