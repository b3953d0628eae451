// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/feature.hpp"

#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

namespace hepar {

namespace {

constexpr std::array<std::string_view, 4> kKindNames{"vector", "bag", "volume", "sequence"};
constexpr std::array<std::string_view, 3> kTypes{"float16", "float32", "int32"};
constexpr std::array<std::size_t, 3> kTypeBytes{2, 4, 4};
constexpr std::array<std::string_view, 11> kReasons{"present",  "not_recorded", "missing_file",  "unreadable", "unsupported", "too_few",
                                                    "no_scale", "odd_shape",    "missing_phase", "not_finite", "query"};

}  // namespace

std::string_view name_of(Kind kind) { return kKindNames.at(static_cast<std::size_t>(kind)); }
std::size_t bytes_of(DType type) { return kTypeBytes.at(static_cast<std::size_t>(type)); }
std::string_view name_of(DType type) { return kTypes.at(static_cast<std::size_t>(type)); }
std::string_view name_of(Reason reason) { return kReasons.at(static_cast<std::size_t>(reason)); }
std::vector<std::string> reason_names() { return {kReasons.begin(), kReasons.end()}; }

std::int64_t Layout::values_per_item() const {
  return std::accumulate(item.begin(), item.end(), std::int64_t{1}, std::multiplies<>());
}

std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);    // NaN
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);   // rounds to infinity
  if (magnitude < 0x38800000u) {                                                     // subnormal half: let the FPU round
    const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(scaled)));
  }
  const std::uint32_t rounded = magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

float from_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  const int exponent = (bits >> 10) & 31;
  const auto mantissa = static_cast<float>(bits & 1023u);
  if (exponent == 31) return mantissa != 0 ? std::nanf("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024.0f + mantissa, exponent - 25);
}

}  // namespace hepar
