// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/jpeg_2000.hpp"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace hepar::imaging {

namespace {

// A span that OpenJPEG reads as a stream.
struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read(void* to, OPJ_SIZE_T wanted, void* user) {
  auto& source = *static_cast<Source*>(user);
  const std::size_t take = std::min<std::size_t>(wanted, source.bytes.size() - source.at);
  if (take == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(to, source.bytes.data() + source.at, take);
  source.at += take;
  return take;
}

OPJ_BOOL seek(OPJ_OFF_T to, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (to < 0 || static_cast<std::size_t>(to) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

OPJ_OFF_T skip(OPJ_OFF_T by, void* user) {
  auto& source = *static_cast<Source*>(user);
  return seek(static_cast<OPJ_OFF_T>(source.at) + by, user) == OPJ_TRUE ? by : -1;
}

using Codec = std::unique_ptr<opj_codec_t, decltype([](opj_codec_t* codec) { opj_destroy_codec(codec); })>;
using Stream = std::unique_ptr<opj_stream_t, decltype([](opj_stream_t* stream) { opj_stream_destroy(stream); })>;
using Decoded = std::unique_ptr<opj_image_t, decltype([](opj_image_t* image) { opj_image_destroy(image); })>;

bool is_jp2(std::span<const std::uint8_t> bytes) { return bytes.size() > 12 && bytes[4] == 'j' && bytes[5] == 'P' && bytes[6] == ' ' && bytes[7] == ' '; }

bool is_of(const opj_image_t& image, const Jpeg2000Size& expected) {
  return image.numcomps == static_cast<OPJ_UINT32>(expected.components) &&
         std::all_of(image.comps, image.comps + image.numcomps, [&](const opj_image_comp_t& one) {
           return one.w == static_cast<OPJ_UINT32>(expected.columns) && one.h == static_cast<OPJ_UINT32>(expected.rows);
         });
}

// The header alone where the codestream is of another size.
Decoded decode(Source& source, const Jpeg2000Size& expected) {
  const Codec codec(opj_create_decompress(is_jp2(source.bytes) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  const Stream stream(opj_stream_default_create(OPJ_TRUE));
  if (codec == nullptr || stream == nullptr) return nullptr;
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_stream_set_read_function(stream.get(), &read);
  opj_stream_set_skip_function(stream.get(), &skip);
  opj_stream_set_seek_function(stream.get(), &seek);
  opj_dparameters_t parameters{};
  opj_set_default_decoder_parameters(&parameters);
  if (opj_setup_decoder(codec.get(), &parameters) == OPJ_FALSE) return nullptr;
  opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE);  // a cut codestream is damage, not a smooth picture
  opj_image_t* raw = nullptr;
  if (opj_read_header(stream.get(), codec.get(), &raw) == OPJ_FALSE) return nullptr;
  Decoded image(raw);
  if (!is_of(*image, expected)) return image;
  if (opj_decode(codec.get(), stream.get(), image.get()) == OPJ_FALSE) return nullptr;
  return image;
}

}  // namespace

std::optional<DecodedJpeg2000> decode_jpeg_2000(std::span<const std::uint8_t> bytes, const Jpeg2000Size& expected) {
  Source source{bytes, 0};
  const Decoded image = decode(source, expected);
  if (image == nullptr || image->numcomps < 1) return std::nullopt;
  const opj_image_comp_t& first = image->comps[0];
  DecodedJpeg2000 out{static_cast<int>(first.w),    static_cast<int>(first.h), static_cast<int>(image->numcomps),
                      static_cast<int>(first.prec), first.sgnd != 0,           {}};
  if (!is_of(*image, expected)) return out;
  for (OPJ_UINT32 c = 0; c < image->numcomps; ++c) {
    const opj_image_comp_t& component = image->comps[c];
    if (component.data == nullptr || component.w != first.w || component.h != first.h) return std::nullopt;
    out.values.insert(out.values.end(), component.data, component.data + static_cast<std::size_t>(component.w) * component.h);
  }
  return out;
}

}  // namespace hepar::imaging
