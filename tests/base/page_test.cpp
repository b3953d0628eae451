// SPDX-License-Identifier: Apache-2.0
#include "data/base/page.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hepar {
namespace {

TEST(Page, TextIsEscapedAndNeverANumberThatIsNone) {
  EXPECT_EQ(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
  EXPECT_EQ(number(std::nan(""), 2), "not known");
  EXPECT_EQ(number(0.125, 2), "0.12");
}

TEST(Page, Base64IsThatOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(Page, LeadsToItsSections) {
  const std::string html =
      html_of({"<!doctype html>", "A title", "lead", "a notice", {{"one", "First"}}, section("one", "One", table({"a", "b"}, {{"x", "1"}}))});
  EXPECT_NE(html.find("<a href=\"#one\">First</a>"), std::string::npos);
  EXPECT_NE(html.find("<section id=\"one\"><h2>One</h2>"), std::string::npos);
  EXPECT_NE(html.find("<tr><th scope=\"row\">x</th><td data-of=\"b\">1</td></tr>"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
}

}  // namespace
}  // namespace hepar
