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
// What a frame is expected to be. A codestream of another size is not decoded: its header could ask for any memory.
struct Jpeg2000Size {
  int columns = 0, rows = 0, components = 0;
};
// nullopt: not a whole codestream, or components of different sizes. No values: of another size than expected.
[[nodiscard]] std::optional<DecodedJpeg2000> decode_jpeg_2000(std::span<const std::uint8_t> bytes, const Jpeg2000Size& expected);

}  // namespace hepar::imaging
