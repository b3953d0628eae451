// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/jpeg_tile.hpp"

#include <csetjmp>
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>

namespace hepar::pathology {

// libjpeg reports by longjmp: `decode` and what it calls hold nothing that needs a destructor while it may jump.
struct JpegTileDecoder::State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf escape{};
  bool damaged = false;
};

namespace {

// Warnings after which libjpeg goes on with pixels of its own making.
constexpr std::array<int, 4> kInvented{JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_JPEG_EOF, JWRN_MUST_RESYNC};

}  // namespace

JpegTileDecoder::JpegTileDecoder() : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.info.err = jpeg_std_error(&state.errors);
  state.info.client_data = &state;
  state.errors.error_exit = [](j_common_ptr info) { std::longjmp(static_cast<State*>(info->client_data)->escape, 1); };
  state.errors.emit_message = [](j_common_ptr info, int level) {
    if (level < 0 && std::find(kInvented.begin(), kInvented.end(), info->err->msg_code) != kInvented.end()) static_cast<State*>(info->client_data)->damaged = true;
  };
  state.errors.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&state.info);
}

JpegTileDecoder::~JpegTileDecoder() { jpeg_destroy_decompress(&state_->info); }

bool JpegTileDecoder::decode(const Source& source, std::span<std::uint8_t> rgb) {
  jpeg_decompress_struct& info = state_->info;
  state_->damaged = false;
  if (setjmp(state_->escape) != 0) {
    jpeg_abort_decompress(&info);
    return false;
  }
  const auto feed = [&info](std::span<const std::byte> bytes) {
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
  };
  // Every time: a tile may carry tables of its own, which must not reach the next one.
  if (!source.tables.empty()) {
    feed(source.tables);
    if (jpeg_read_header(&info, FALSE) != JPEG_HEADER_TABLES_ONLY) {
      jpeg_abort_decompress(&info);
      return false;
    }
  }
  feed(source.stream);
  const bool whole = jpeg_read_header(&info, TRUE) == JPEG_HEADER_OK && info.image_width == static_cast<unsigned>(source.width) &&
                     info.image_height == static_cast<unsigned>(source.height) && info.num_components == 3;
  const auto width = static_cast<std::size_t>(source.width / source.denominator), height = static_cast<std::size_t>(source.height / source.denominator);
  if (!whole || rgb.size() < width * height * 3) {
    jpeg_abort_decompress(&info);
    return false;
  }
  info.jpeg_color_space = source.ycbcr ? JCS_YCbCr : JCS_RGB;
  info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(source.denominator);
  jpeg_start_decompress(&info);
  if (info.output_width != width || info.output_height != height) {
    jpeg_abort_decompress(&info);
    return false;
  }
  while (info.output_scanline < info.output_height) {
    std::array<JSAMPROW, 16> rows{};
    const std::size_t first = info.output_scanline, count = std::min(rows.size(), height - first);
    for (std::size_t i = 0; i < count; ++i) rows[i] = rgb.data() + (first + i) * width * 3;
    jpeg_read_scanlines(&info, rows.data(), static_cast<JDIMENSION>(count));
  }
  jpeg_finish_decompress(&info);
  return !state_->damaged;
}

}  // namespace hepar::pathology
