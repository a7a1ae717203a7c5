// The words of `weft bench`, and the arithmetic of its ratios.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "bench/rows.h"
#include "bench/samples.h"
#include "tool.h"

namespace {

using cli::outcome;
using testing::DoubleEq;
using testing::HasSubstr;
using testing::IsEmpty;

using bench_command = cli::tool_test;

TEST_F(bench_command, list_names_every_row) {
  const outcome o = weft({"bench", "--list"});
  EXPECT_EQ(o.status, 0);
  for (const weft::bench::row& r : weft::bench::rows()) EXPECT_THAT(o.out, HasSubstr(std::string(r.name) + " "));
}

TEST_F(bench_command, an_unknown_row_is_refused_with_the_nearest) {
  const outcome o = weft({"bench", "--filter", "yield,pingpnog"});
  EXPECT_EQ(o.status, 2);
  EXPECT_THAT(o.err, HasSubstr("'pingpnog'; did you mean 'pingpong'?"));
  EXPECT_THAT(o.out, IsEmpty());
}

TEST_F(bench_command, numbers_that_make_no_sense_are_refused) {
  EXPECT_EQ(weft({"bench", "--procs", "0"}).status, 2);
  EXPECT_EQ(weft({"bench", "--rounds", "none"}).status, 2);
}

TEST_F(bench_command, a_row_is_built_measured_and_printed_as_json) {
  const outcome o = weft({"bench", "--filter", "mutex_free", "--procs", "1", "--rounds", "1", "--no-go", "--json"});
  ASSERT_EQ(o.status, 0) << o.err;
  const auto lines = nlohmann::json::parse(o.out);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("row"), "mutex_free");
  EXPECT_EQ(lines[0].at("procs"), 1);
  EXPECT_EQ(lines[0].at("unit"), "ns");
  EXPECT_GT(lines[0].at("weft").get<double>(), 0);
  for (const char* without_go : {"go", "ratio", "spread"}) EXPECT_TRUE(lines[0].at(without_go).is_null());
}

TEST(bench_samples, the_ratio_is_the_median_of_the_ratios_of_each_round) {
  // A machine that slows down by half in the last round: medians of each side alone would say 3.5.
  const auto c = weft::bench::compare({10, 10, 20}, {30, 35, 70});
  ASSERT_TRUE(c);
  EXPECT_THAT(c->ratio, DoubleEq(3.5));
  EXPECT_THAT(c->weft, DoubleEq(10));
  EXPECT_THAT(c->go, DoubleEq(35));
  EXPECT_THAT(c->spread, DoubleEq(0.5 / 3.5));
}

TEST(bench_samples, without_pairs_there_is_no_ratio) {
  EXPECT_FALSE(weft::bench::compare({}, {}));
  EXPECT_FALSE(weft::bench::compare({1, 2}, {1}));
}

TEST(bench_samples, the_median_of_an_even_number_is_between_the_middle_two) {
  EXPECT_THAT(weft::bench::median({4, 1, 3, 2}), DoubleEq(2.5));
}

}  // namespace
