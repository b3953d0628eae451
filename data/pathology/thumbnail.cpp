// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/thumbnail.hpp"

#include "data/base/error.hpp"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <algorithm>
#include <array>

namespace hepar::pathology {

namespace {

constexpr int kLongestEdge = 320, kJpegQuality = 80;

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour kTissueLine{0, 140, 70}, kPenLine{30, 80, 230}, kCorruptLine{220, 30, 30};

// The overview in cells of factor x factor pixels.
struct Cells {
  const Overview& overview;
  int factor, width, height;

  explicit Cells(const Overview& from)
      : overview(from),
        factor(std::max(1, (std::max(from.width, from.height) + kLongestEdge - 1) / kLongestEdge)),
        width((from.width + factor - 1) / factor),
        height((from.height + factor - 1) / factor) {}

  template <class Visit>
  void each_pixel(int x, int y, const Visit& visit) const {
    for (int v = y * factor; v < std::min((y + 1) * factor, overview.height); ++v)
      for (int u = x * factor; u < std::min((x + 1) * factor, overview.width); ++u)
        visit(static_cast<std::size_t>(v) * static_cast<std::size_t>(overview.width) + static_cast<std::size_t>(u));
  }

  [[nodiscard]] Colour mean(int x, int y) const {
    std::array<int, 3> sum{};
    int count = 0;
    each_pixel(x, y, [&](std::size_t at) {
      for (std::size_t c = 0; c < 3; ++c) sum[c] += overview.rgb[3 * at + c];
      ++count;
    });
    return {static_cast<std::uint8_t>(sum[0] / count), static_cast<std::uint8_t>(sum[1] / count), static_cast<std::uint8_t>(sum[2] / count)};
  }

  // Cells of which the mask covers half.
  [[nodiscard]] Plane covered(const Plane& mask) const {
    Plane out(width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        int balance = 0;
        each_pixel(x, y, [&](std::size_t at) { balance += mask.at[at] != 0 ? 1 : -1; });
        out(x, y) = balance >= 0 ? 1 : 0;
      }
    return out;
  }
};

// Colours the cells of a mask that have a neighbour outside it.
void outline(Picture& picture, const Plane& mask, const Colour& colour) {
  const auto inside = [&](int x, int y) { return x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask(x, y) != 0; };
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x)
      if (inside(x, y) && !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)))
        std::copy(colour.begin(), colour.end(), picture.rgb.begin() + 3 * (static_cast<std::ptrdiff_t>(y) * mask.width + x));
}

}  // namespace

Picture thumbnail_of(const Overview& overview, const TissueMap& map) {
  const Cells cells(overview);
  Picture picture{{}, cells.width, cells.height, {}};
  picture.rgb.reserve(static_cast<std::size_t>(cells.width) * static_cast<std::size_t>(cells.height) * 3);
  for (int y = 0; y < cells.height; ++y)
    for (int x = 0; x < cells.width; ++x) {
      const Colour colour = cells.mean(x, y);
      picture.rgb.insert(picture.rgb.end(), colour.begin(), colour.end());
    }
  outline(picture, cells.covered(map.tissue), kTissueLine);
  outline(picture, cells.covered(map.pen), kPenLine);
  outline(picture, cells.covered(overview.corrupt), kCorruptLine);
  return picture;
}

namespace {

// libjpeg reports by longjmp: this holds nothing that needs a destructor. False when there was no memory.
bool compress(const Picture& picture, jpeg_compress_struct& info, std::jmp_buf& escape, unsigned char** bytes, unsigned long* size) {
  if (setjmp(escape) != 0) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, bytes, size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kJpegQuality, TRUE);
  info.dct_method = JDCT_ISLOW;
  info.optimize_coding = TRUE;
  info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(picture.rgb.data() + static_cast<std::size_t>(info.next_scanline) * static_cast<std::size_t>(picture.width) * 3);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

std::string jpeg_of(const Picture& picture) {
  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  std::jmp_buf escape;
  info.err = jpeg_std_error(&errors);
  info.client_data = &escape;
  errors.error_exit = [](j_common_ptr failed) { std::longjmp(*static_cast<std::jmp_buf*>(failed->client_data), 1); };
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool good = compress(picture, info, escape, &bytes, &size);
  std::string out;
  if (good) out.assign(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  jpeg_destroy_compress(&info);
  if (!good) throw Error(ExitCode::bug, "a preview of " + std::to_string(picture.width) + " x " + std::to_string(picture.height) + " cannot be compressed");
  return out;
}

}  // namespace hepar::pathology
