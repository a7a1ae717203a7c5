// weft::error, result and fail: a code, the operation that failed, comparable with std::errc.
#include <weft/weft.h>

#include <gmock/gmock.h>

#include <string>

using testing::HasSubstr;

TEST(errors, a_default_error_is_zero) {
  const weft::error none;
  EXPECT_FALSE(none.code());
  EXPECT_EQ(none, weft::error());
  EXPECT_FALSE(static_cast<bool>(none));
}

TEST(errors, compares_with_errc_both_ways) {
  const weft::error e(std::errc::timed_out, "read");
  EXPECT_TRUE(e == std::errc::timed_out);
  EXPECT_TRUE(std::errc::timed_out == e);
  EXPECT_TRUE(e != std::errc::io_error);
}

TEST(errors, names_the_operation_and_the_reason) {
  const weft::error e(std::errc::connection_refused, "dial");
  EXPECT_STREQ(e.op(), "dial");
  EXPECT_THAT(e.message(), HasSubstr("dial"));
  EXPECT_THAT(e.message(), HasSubstr(std::make_error_code(std::errc::connection_refused).message()));
}

TEST(errors, fail_carries_the_same_error_into_another_result) {
  const weft::result<int> inner = weft::fail(std::errc::broken_pipe, "write");
  const weft::result<std::string> same = weft::fail(inner);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error(), std::errc::broken_pipe);
  EXPECT_STREQ(same.error().op(), "write");
  const weft::result<void> renamed = weft::fail(inner, "relay");
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error(), std::errc::broken_pipe);
  EXPECT_STREQ(renamed.error().op(), "relay");
}

TEST(errors, a_void_result_is_success_by_default) {
  const weft::result<void> ok;
  EXPECT_TRUE(ok);
}

TEST(errors, misuse_is_a_logic_error) {
  try {
    throw weft::misuse("wrong");
  } catch (const std::logic_error& e) {
    EXPECT_STREQ(e.what(), "wrong");
  }
}
