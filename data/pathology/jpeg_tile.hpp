// SPDX-License-Identifier: Apache-2.0
// One JPEG tile of a TIFF to RGB, bit-identical to OpenSlide: slow integer DCT, fancy upsampling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace hepar::pathology {

// Reused from tile to tile; one thread at a time.
class JpegTileDecoder {
 public:
  JpegTileDecoder();
  JpegTileDecoder(const JpegTileDecoder&) = delete;
  ~JpegTileDecoder();

  struct Source {
    std::span<const std::byte> tables, stream;  // TIFF tag 347 (may be empty) and the tile's own stream
    bool ycbcr = true;                          // PhotometricInterpretation; the stream itself does not say
    int width = 0, height = 0;                  // of the tile in the file
    int denominator = 1;                        // 1, 2, 4, 8: averaged in the DCT domain to 1/denominator
  };
  // Writes (height / denominator) rows of (width / denominator) x 3 bytes. False, with `rgb` undefined, when the stream is
  // damaged, ends early or has another size: what libjpeg would fill in is never taken for tissue.
  [[nodiscard]] bool decode(const Source& source, std::span<std::uint8_t> rgb);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hepar::pathology
