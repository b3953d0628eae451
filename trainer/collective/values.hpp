// SPDX-License-Identifier: Apache-2.0
// What a collective works on: elements of one kind, in this rank's memory or on its GPU.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>

namespace hepar::collective {

enum class Kind : std::uint8_t { int64, float32, float64, bfloat16 };
enum class Place : std::uint8_t { host, device };

[[nodiscard]] constexpr std::size_t bytes_of(Kind kind) { return kind == Kind::bfloat16 ? 2 : kind == Kind::float32 ? 4 : 8; }

template <class T>
concept Element = std::same_as<T, std::int64_t> || std::same_as<T, float> || std::same_as<T, double>;

template <Element T>
inline constexpr Kind kKindOf = std::same_as<T, std::int64_t> ? Kind::int64 : std::same_as<T, float> ? Kind::float32 : Kind::float64;

struct Values {
  void* data = nullptr;
  std::size_t count = 0;
  Kind kind = Kind::int64;
  Place place = Place::host;

  Values(void* at, std::size_t elements, Kind of, Place where) : data(at), count(elements), kind(of), place(where) {}
  // A span, or a vector or array that outlives the call.
  template <std::ranges::contiguous_range Range>
    requires std::ranges::sized_range<Range> && std::ranges::borrowed_range<Range> && Element<std::ranges::range_value_t<Range>>
  Values(Range&& range)  // NOLINT: meant to convert
      : data(std::ranges::data(range)), count(std::ranges::size(range)), kind(kKindOf<std::ranges::range_value_t<Range>>) {}

  [[nodiscard]] std::size_t bytes() const { return count * bytes_of(kind); }
};

}  // namespace hepar::collective
