// SPDX-License-Identifier: Apache-2.0
#include "data/base/random.hpp"
#include "data/base/table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace hepar {
namespace {

std::string refusal(std::string_view text) {
  try {
    (void)Table::parse(text, "t.csv");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::input);
    return error.what();
  }
  return "accepted";
}

TEST(Table, ReadsQuotesLineEndingsAndBlankLines) {
  const Table table = Table::parse("\xef\xbb\xbfid,note\r\nP1,\"a, \"\"b\"\"\nc\"\r\n\r\nP2,  plain \r\nP3,", "t.csv");
  ASSERT_EQ(table.rows(), 3U);
  EXPECT_EQ(table.header(), (std::vector<std::string>{"id", "note"}));
  EXPECT_EQ(table.at(0, 1), "a, \"b\"\nc");
  EXPECT_EQ(table.at(1, 1), "plain");
  EXPECT_EQ(table.at(2, 1), "");
  EXPECT_EQ(table.place(0).text(), "t.csv:2");
  EXPECT_EQ(table.place(1).text(), "t.csv:5") << "the quoted line feed and the blank line count";
  EXPECT_EQ(table.place(2).text(), "t.csv:6");
}

TEST(Table, TheHeaderSaysWhatSeparatesFields) {
  const Table semicolons = Table::parse("id;value;note\n1;12,5;\"a;b\"\n2;;x\n", "t.csv");
  EXPECT_EQ(semicolons.separator(), ';');
  EXPECT_EQ(semicolons.at(0, 1), "12,5");
  EXPECT_EQ(semicolons.at(0, 2), "a;b");
  const Table tabs = Table::parse("id\tvalue\tnote\n1\t\t\"a\tb\"\n", "t.csv");
  EXPECT_EQ(tabs.separator(), '\t');
  EXPECT_EQ(tabs.at(0, 2), "a\tb");
}

TEST(Table, ATabThatEndsARowIsAnEmptyField) {
  const Table tabs = Table::parse("id\tnote\n1\t\n\"2\"\t\"b\"\n", "t.csv");
  ASSERT_EQ(tabs.rows(), 2U);
  EXPECT_EQ(tabs.at(0, 1), "");
  EXPECT_EQ(tabs.at(1, 1), "b");
}

TEST(Table, CommasInTheHeaderAreItsSeparators) {
  const Table commas = Table::parse("id,\"a;b\",c;d\n1,2;3,4\n", "t.csv");
  EXPECT_EQ(commas.separator(), ',');
  EXPECT_EQ(commas.header(), (std::vector<std::string>{"id", "a;b", "c;d"}));
  EXPECT_EQ(Table::parse("id\n1;2\n", "t.csv").at(0, 0), "1;2") << "one column has no separator";
}

TEST(Table, ACarriageReturnBeforeALineFeedOrInQuotesEndsNoLine) {
  EXPECT_EQ(Table::parse("a,b\r\n1,2\r\n", "t.csv").at(0, 1), "2");
  EXPECT_EQ(Table::parse("a,b\r\r\n1,2\r\r\n", "t.csv").header().back(), "b");
  EXPECT_EQ(Table::parse("\"a\rx\",b\n1,\"2\r3\"\n", "t.csv").at(0, 1), "2\r3");
}

TEST(Table, ErrorsNameTheirLine) {
  EXPECT_EQ(refusal("a,b\n1,2\n1\n").substr(0, 9), "t.csv:3: ");
  EXPECT_NE(refusal("a,b\n1,\"2\n\n").find("t.csv:2: a quote is never closed"), std::string::npos);
  EXPECT_NE(refusal("a,b\n1,\"2\"x\n").find("t.csv:2: text follows"), std::string::npos);
  EXPECT_NE(refusal("a,b,a\n").find("'a' stands twice"), std::string::npos);
  EXPECT_NE(refusal("").find("is empty"), std::string::npos);
  EXPECT_NE(refusal("id,x\r0,0\r1,0\r").find("t.csv:1: its lines end in a carriage return alone"), std::string::npos);
  EXPECT_NE(refusal("id\r0\r1\n").find("carriage return alone"), std::string::npos);
  EXPECT_NE(refusal("\n\n").find("is empty"), std::string::npos);
  EXPECT_NE(refusal("a\n\xff\xff\n").find("UTF-8"), std::string::npos);
  try {
    (void)Table::parse("patient_id,centre\n", "t.csv").require("pateint_id");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'patient_id'?"), std::string::npos);
  }
}

// Any fields survive writing and reading, but for the outer white space that reading trims.
TEST(Table, WhatIsWrittenIsRead) {
  Stream stream({11});
  const std::string alphabet = "ab,\"\n;'肝";
  for (int round = 0; round < 300; ++round) {
    const std::size_t columns = 1 + stream.below(4);
    std::vector<std::string> header, fields;
    for (std::size_t c = 0; c < columns; ++c) {
      header.push_back("c" + std::to_string(c));
      std::string field;
      for (std::uint64_t k = stream.below(6); k > 0; --k) field += alphabet[stream.below(7)];
      fields.push_back("x" + field + "y");
    }
    if (round % 3 == 0) fields.front().clear();
    const Table table = Table::parse(csv_line(header) + csv_line(fields), "t.csv");
    ASSERT_EQ(table.rows(), 1U);
    for (std::size_t c = 0; c < columns; ++c) EXPECT_EQ(table.at(0, c), fields[c]);
  }
}

TEST(Table, NumbersReadBackBitForBit) {
  Stream stream({12});
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = stream.bits();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(std::strtod(number_text(value).c_str(), nullptr), value);
  }
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "");
}

}  // namespace
}  // namespace hepar
