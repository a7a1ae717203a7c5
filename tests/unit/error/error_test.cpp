// What weft::error, weft::result and weft::fail promise.
#include <weft/error.h>

#include <gtest/gtest.h>

#include <sstream>

namespace {

weft::result<int> dial() { return weft::fail(std::errc::connection_refused, "dial"); }

weft::result<std::string> relay() {
  auto server = dial();
  if (!server) return weft::fail(server, "relay");
  return "connected";
}

weft::result<void> serve() {
  auto text = relay();
  if (!text) return weft::fail(text);
  return {};
}

TEST(error, is_zero_and_false_by_default) {
  weft::error none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.code().value(), 0);
  EXPECT_STREQ(none.op(), "");
  EXPECT_EQ(none, weft::error());
}

TEST(error, message_is_the_operation_then_what_the_code_says) {
  const std::string refused = std::make_error_code(std::errc::connection_refused).message();
  EXPECT_EQ(dial().error().message(), "dial: " + refused);
  EXPECT_EQ(weft::error(std::errc::connection_refused).message(), refused);
}

TEST(error, message_names_the_detail_behind_the_operation) {
  const auto code = std::make_error_code(std::errc::connection_refused);
  const weft::error refused(code, "dial", "10.0.0.1:80");
  EXPECT_EQ(refused.detail(), "10.0.0.1:80");
  EXPECT_EQ(refused.message(), "dial 10.0.0.1:80: " + code.message());
  EXPECT_EQ(refused.with_op("relay").message(), "relay 10.0.0.1:80: " + code.message());
}

TEST(error, equals_the_errc_it_means_and_no_other) {
  const weft::error refused = dial().error();
  EXPECT_TRUE(refused == std::errc::connection_refused);
  EXPECT_TRUE(std::errc::connection_refused == refused);
  EXPECT_TRUE(refused != std::errc::timed_out);
  EXPECT_TRUE(refused == std::make_error_code(std::errc::connection_refused));
  EXPECT_FALSE(weft::error() == std::errc::connection_refused);
}

TEST(error, of_the_system_category_equals_the_errc_it_maps_to) {
  const weft::error timed_out(std::error_code(ETIMEDOUT, std::system_category()), "read");
  EXPECT_TRUE(timed_out == std::errc::timed_out);
}

TEST(error, equality_looks_at_the_code_and_not_at_the_operation) {
  EXPECT_EQ(dial().error(), relay().error());
  EXPECT_NE(dial().error(), weft::error(std::errc::timed_out, "dial"));
}

TEST(error, streams_its_message) {
  std::ostringstream out;
  out << dial().error();
  EXPECT_EQ(out.str(), dial().error().message());
}

TEST(fail, renames_the_operation_and_keeps_the_code) {
  EXPECT_STREQ(dial().error().op(), "dial");
  EXPECT_STREQ(relay().error().op(), "relay");
  EXPECT_EQ(relay().error(), std::errc::connection_refused);
}

TEST(fail, without_a_name_passes_the_error_on_unchanged) {
  EXPECT_STREQ(serve().error().op(), "relay");
  EXPECT_EQ(serve().error(), std::errc::connection_refused);
}

TEST(fail, takes_any_error_code) {
  weft::result<int> r = weft::fail(std::make_error_code(std::io_errc::stream), "decode");
  EXPECT_EQ(r.error(), std::make_error_code(std::io_errc::stream));
  EXPECT_STREQ(r.error().op(), "decode");
}

TEST(misuse, is_a_logic_error) { EXPECT_THROW(throw weft::misuse("send on closed channel"), std::logic_error); }

}  // namespace
