#include <weft/net.h>

#include <gtest/gtest.h>

#include <set>

namespace {

using weft::net::address;

std::string round_trip(const char* text) {
  auto parsed = address::parse(text);
  return parsed ? parsed->to_string() : "error: " + parsed.error().message();
}

TEST(address, parses_and_prints_what_people_write) {
  EXPECT_EQ(round_trip("10.0.0.1:80"), "10.0.0.1:80");
  EXPECT_EQ(round_trip("10.0.0.1"), "10.0.0.1:0");
  EXPECT_EQ(round_trip("[::1]:8080"), "[::1]:8080");
  EXPECT_EQ(round_trip("::1"), "[::1]:0");
  EXPECT_EQ(round_trip("[2001:DB8::0001]:1"), "[2001:db8::1]:1");
  EXPECT_EQ(round_trip("fe80::1%lo"), "[fe80::1%lo]:0");
  EXPECT_EQ(round_trip("/run/app.sock"), "/run/app.sock");
  EXPECT_EQ(round_trip("@abstract"), "@abstract");
}

TEST(address, refuses_what_is_no_address_and_says_what_it_was) {
  for (const char* text : {"", "host:80", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:-1", "[::1", "[::1]80",
                           "[10.0.0.1]:80", "::1%no-such-interface", ":80", "1.2.3.4 :80"}) {
    auto parsed = address::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), std::errc::invalid_argument);
    EXPECT_EQ(parsed.error().message(), "parse \"" + std::string(text) + "\": Invalid argument");
  }
}

TEST(address, knows_what_it_is) {
  const auto v4 = *address::parse("127.0.0.1:80");
  EXPECT_TRUE(v4.is_ipv4() && v4.is_loopback() && !v4.is_unspecified() && !v4.is_multicast());
  EXPECT_EQ(v4.port(), 80);
  EXPECT_EQ(v4.host(), "127.0.0.1");
  EXPECT_EQ(v4.with_port(81).to_string(), "127.0.0.1:81");
  EXPECT_TRUE(address::parse("::1")->is_loopback());
  EXPECT_TRUE(address::parse("::")->is_unspecified());
  EXPECT_TRUE(address::parse("224.0.0.1")->is_multicast());
  EXPECT_TRUE(address::parse("ff02::1")->is_multicast());
  EXPECT_TRUE(address::unix_path("/x").is_unix());
  EXPECT_EQ(address().to_string(), "");
}

TEST(address, compares_and_sorts_by_value) {
  EXPECT_EQ(address::parse("10.0.0.1:80"), address::ipv4({10, 0, 0, 1}, 80));
  EXPECT_NE(*address::parse("10.0.0.1:80"), *address::parse("10.0.0.1:81"));
  EXPECT_NE(*address::parse("::1"), *address::parse("::2"));
  EXPECT_EQ((std::set{*address::parse("::1"), *address::parse("::1"), *address::parse("/a")}.size()), 2u);
}

}  // namespace
