// SPDX-License-Identifier: Apache-2.0
// JPEG 2000 and HTJ2K codestreams through OpenJPEG, bare or inside a JP2 file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hepar::imaging {

struct DecodedJpeg2000 {
  int columns = 0, rows = 0, components = 0, precision = 0;
  bool is_signed = false;
  std::vector<std::int32_t> values;  // component after component, rows first
};
// nullopt: not a whole codestream, or components of different sizes.
[[nodiscard]] std::optional<DecodedJpeg2000> decode_jpeg_2000(std::span<const std::uint8_t> bytes);

}  // namespace hepar::imaging
