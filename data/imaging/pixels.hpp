// SPDX-License-Identifier: Apache-2.0
// Stored bits of a DICOM frame to rescaled floats, in one pass.
#pragma once

#include "data/imaging/dicom_file.hpp"

#include <memory>
#include <span>
#include <string>

namespace hepar::imaging {

struct FrameTotals {
  double low = 0, high = 0, sum = 0;
};  // after rescale, padding as stored

// The pixels of one file, opened once for all of its frames.
class PixelSource {
 public:
  explicit PixelSource(const DicomFile& file);
  ~PixelSource();
  PixelSource(const PixelSource&) = delete;
  PixelSource& operator=(const PixelSource&) = delete;

  // Decodes a frame of rows x columns; `out` may be empty when only the totals are wanted, and stays as it is for colour.
  // nullopt: `problem()` says why.
  [[nodiscard]] std::optional<FrameTotals> read(const Plane& plane, std::span<float> out);
  [[nodiscard]] const std::string& problem() const;
  // Decoded as the header says, but header and codestream contradict each other.
  [[nodiscard]] const std::string& doubt() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Bits stored -> value: masked to `bits_stored` below `high_bit`, sign-extended, then slope and intercept in double.
// `out` is as long as `stored`, or empty.
[[nodiscard]] FrameTotals rescale(std::span<const std::uint16_t> stored, const PixelFormat& format, double slope, double intercept, float padded,
                                  std::span<float> out);

}  // namespace hepar::imaging
