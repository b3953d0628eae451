// SPDX-License-Identifier: Apache-2.0
#include "data/base/text.hpp"

#include "data/base/composed.hpp"

#include <gtest/gtest.h>

namespace hepar {
namespace {

TEST(Text, EveryHospitalEncodingIsRead) {
  const auto utf8 = decode_text("\xef\xbb\xbf\xe8\x82\x9d");
  ASSERT_TRUE(utf8);
  EXPECT_EQ(utf8->text, "肝");
  EXPECT_EQ(utf8->encoding, "UTF-8");
  const auto chinese = decode_text("\xb8\xce\xd4\xe0,1");  // GB2312 bytes of 肝脏
  ASSERT_TRUE(chinese);
  EXPECT_EQ(chinese->text, "肝脏,1");
  EXPECT_EQ(chinese->encoding, "GB18030");
  const auto little = decode_text(std::string_view("\xff\xfe\x9d\x80\x41\x00", 6));
  ASSERT_TRUE(little);
  EXPECT_EQ(little->text, "肝A");
  EXPECT_EQ(little->encoding, "UTF-16LE");
  const auto big = decode_text(std::string_view("\xfe\xff\x80\x9d\x00\x41", 6));
  ASSERT_TRUE(big);
  EXPECT_EQ(big->text, "肝A");
  EXPECT_EQ(decode_text("")->text, "");
}

TEST(Text, BytesWithoutMeaningAreNotGuessed) {
  EXPECT_FALSE(decode_text("\xff\xff\xff"));
  EXPECT_FALSE(decode_text("\xb8"));
  EXPECT_FALSE(decode_text("\xef\xbb\xbf\xb8\xce")) << "a byte-order mark is a promise";
}

TEST(Text, FullWidthFormsBecomeAscii) {
  EXPECT_EQ(nfkc("ＡＦＰ　１２．５"), "AFP 12.5");
  EXPECT_EQ(composed("ＡＦＰ Zoe\u0301"), "ＡＦＰ Zo\u00e9");
  EXPECT_EQ(fold_case("Straße ÉTAT"), "strasse état");
  EXPECT_EQ(trim("\xef\xbb\xbf \t\xe3\x80\x80肝 x\xc2\xa0\r\n"), "肝 x");
  EXPECT_EQ(trim(" \xe3\x80\x80 "), "");
}

TEST(Text, SplitAndJoinAreInverse) {
  for (const std::string text : {"", "a", ",", "a,,b,"}) EXPECT_EQ(join(split(text, ','), ","), text);
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
}

TEST(Text, NumbersAreWholeFiniteAndLocaleFree) {
  EXPECT_EQ(parse_number("1e-3"), 1e-3);
  EXPECT_EQ(parse_number("+2.5"), 2.5);
  EXPECT_EQ(parse_number("-0"), 0.0);
  for (const char* text : {"", " 1", "1 ", "1,5", "1.5.2", "nan", "inf", "1e999", "0x10", "12abc", "+", "--1"}) EXPECT_FALSE(parse_number(text)) << text;
  EXPECT_EQ(parse_integer("-42"), -42);
  for (const char* text : {"", "1.0", "1e3", "99999999999999999999", "4 2"}) EXPECT_FALSE(parse_integer(text)) << text;
}

TEST(Text, DatesExistOrAreRefused) {
  EXPECT_EQ(parse_date("1970-01-01", "iso"), 0);
  EXPECT_EQ(parse_date("2000-03-01", "iso"), 11017);
  EXPECT_EQ(parse_date("2020-02-29T13:45", "iso"), 18321);
  EXPECT_EQ(parse_date("2020-02-29 13:45:10", "iso"), 18321);
  EXPECT_EQ(parse_date("1969-12-31", "iso"), -1);
  EXPECT_EQ(parse_date("29.02.2020", "%d.%m.%Y"), 18321);
  for (const char* text : {"2019-02-29", "2020-13-01", "2020-00-10", "2020-01-01x", "20200101", "", "2020-01"}) EXPECT_FALSE(parse_date(text, "iso")) << text;
  EXPECT_FALSE(parse_date("2020", "%Y")) << "a pattern without day names no day";
}

TEST(Text, TypingErrorsFindTheirName) {
  const std::vector<std::string> known{"learning_rate", "warmup", "ema"};
  EXPECT_EQ(nearest_name("lerning_rate", known), "learning_rate");
  EXPECT_EQ(nearest_name("uot", std::vector<std::string>{"set", "out"}), "out") << "a swap is one error";
  EXPECT_EQ(nearest_name("Warmup", known), "warmup");
  EXPECT_EQ(nearest_name("completely_else", known), "");
  EXPECT_EQ(name_advice("emma", known), "did you mean 'ema'?");
  EXPECT_EQ(name_advice("completely_else", known), "known: learning_rate, warmup, ema");
}

}  // namespace
}  // namespace hepar
