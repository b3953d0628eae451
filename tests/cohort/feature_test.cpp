// SPDX-License-Identifier: Apache-2.0
// Half floats against the processor's own conversion, and names that stores rely on.
#include "data/cohort/feature.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <immintrin.h>
#include <bit>
#include <cmath>
#include <set>

namespace hepar {
namespace {

TEST(Half, EveryValueReadsBackAsItself) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = from_half(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_half(to_half(value))));
    } else {
      ASSERT_EQ(to_half(value), half) << bits;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(_cvtsh_ss(half))) << bits;
    }
  }
}

TEST(Half, RoundsAsTheProcessorDoes) {
  Stream stream{3};
  for (int i = 0; i < 2'000'000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(stream.bits()));
    if (!std::isnan(value)) ASSERT_EQ(to_half(value), _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT)) << value;
    const auto near = static_cast<float>(stream.normal());
    ASSERT_EQ(to_half(near), _cvtss_sh(near, _MM_FROUND_TO_NEAREST_INT)) << near;
  }
}

TEST(Names, AreDistinctAndInCodeOrder) {
  const std::vector<std::string> names = reason_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(names.at(static_cast<std::size_t>(Reason::query)), "query");
  EXPECT_EQ(name_of(Reason::present), "present");
  EXPECT_EQ(name_of(Reason::missing_file), "missing_file");
  EXPECT_EQ(name_of(Kind::sequence), "sequence");
  EXPECT_EQ(name_of(DType::float16), "float16");
  EXPECT_EQ(bytes_of(DType::float16), 2u);
  EXPECT_EQ((Layout{Kind::volume, DType::float16, {2, 16, 32, 32}, "HU", ""}.values_per_item()), 2 * 16 * 32 * 32);
  EXPECT_EQ((Layout{Kind::sequence, DType::int32, {}, "", ""}.values_per_item()), 1);
}

}  // namespace
}  // namespace hepar
