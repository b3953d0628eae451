// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/pixels.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/imaging/jpeg_2000.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hepar::imaging {

namespace {

struct Rescale {
  int left, right;  // shifts that leave the stored bits, sign-extended or not
  double slope, intercept;
  std::int32_t pad_low, pad_high;  // empty range: no padding
  float padded;
};

Rescale rescale_of(const PixelFormat& format, double slope, double intercept, float padded) {
  Rescale rule{31 - format.high_bit, 32 - format.bits_stored, slope, intercept, 1, 0, padded};
  if (format.padding) {
    rule.pad_low = static_cast<std::int32_t>((*format.padding)[0]);
    rule.pad_high = static_cast<std::int32_t>((*format.padding)[1]);
  }
  return rule;
}

template <bool kSigned, class Stored>
std::int32_t value_of(Stored stored, const Rescale& rule) {
  const std::uint32_t shifted = static_cast<std::uint32_t>(stored) << rule.left;
  if constexpr (kSigned)
    return static_cast<std::int32_t>(shifted) >> rule.right;
  else
    return static_cast<std::int32_t>(shifted >> rule.right);
}

// One pass in blocks, so that the sums stay in 32 bits and the loop stays a vector loop.
template <bool kSigned, class Stored>
FrameTotals convert(std::span<const Stored> stored, const Rescale& rule, std::span<float> out) {
  constexpr std::size_t kBlock = 16384;  // 16-bit values cannot overflow a 32-bit sum
  std::int32_t low = std::numeric_limits<std::int32_t>::max(), high = std::numeric_limits<std::int32_t>::min();
  double sum = 0;
  for (std::size_t first = 0; first < stored.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, stored.size() - first);
    const Stored* in = stored.data() + first;
    using Sum = std::conditional_t<sizeof(Stored) <= 2, std::int32_t, std::int64_t>;
    Sum block = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t value = value_of<kSigned>(in[i], rule);
      low = std::min(low, value);
      high = std::max(high, value);
      block += value;
    }
    sum += static_cast<double>(block);
    if (out.empty()) continue;
    float* to = out.data() + first;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t value = value_of<kSigned>(in[i], rule);
      const auto scaled = static_cast<float>(static_cast<double>(value) * rule.slope + rule.intercept);
      to[i] = value >= rule.pad_low && value <= rule.pad_high ? rule.padded : scaled;
    }
  }
  const double a = low * rule.slope + rule.intercept, b = high * rule.slope + rule.intercept;
  return {std::min(a, b), std::max(a, b), sum * rule.slope + static_cast<double>(stored.size()) * rule.intercept};
}

template <class Stored>
FrameTotals convert(std::span<const Stored> stored, const PixelFormat& format, const Rescale& rule, std::span<float> out) {
  return format.is_signed ? convert<true>(stored, rule, out) : convert<false>(stored, rule, out);
}

template <class Float>
std::optional<FrameTotals> convert_floating(std::span<const Float> stored, const Rescale& rule, std::span<float> out) {
  FrameTotals totals{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0};
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const double value = static_cast<double>(stored[i]) * rule.slope + rule.intercept;
    if (!std::isfinite(value)) return std::nullopt;
    totals = {std::min(totals.low, value), std::max(totals.high, value), totals.sum + value};
    if (!out.empty()) out[i] = static_cast<float>(value);
  }
  return totals;
}

// JPEG-LS below 8 bits: DCMTK's decoder derives wrong default thresholds, so the standard's (T.87, C.2.4.1.1.1) are
// written into the stream. Empty: nothing to do.
std::vector<std::uint8_t> with_thresholds(std::span<const std::uint8_t> stream) {
  constexpr std::array<std::uint8_t, 4> kStart{0xff, 0xd8, 0xff, 0xf7};
  if (stream.size() < 16 || !std::equal(kStart.begin(), kStart.end(), stream.begin()) || stream[6] >= 8) return {};
  const int most = (1 << stream[6]) - 1, factor = 256 / (most + 1);
  const auto clamped = [&](int value) { return static_cast<std::uint8_t>(value > most ? 1 : value); };
  const std::uint8_t t1 = clamped(std::max(2, 3 / factor)), t2 = clamped(std::max(3, 7 / factor)), t3 = clamped(std::max(4, 21 / factor));
  std::vector<std::uint8_t> out{0xff, 0xd8, 0xff, 0xf8, 0, 13, 1, 0, static_cast<std::uint8_t>(most), 0, t1, 0, t2, 0, t3, 0, 64};
  out.insert(out.end(), stream.begin() + 2, stream.end());
  return out;
}

// Whether the segments of an RLE fragment (PS3.5, annex G) and their runs lie inside of it and fill `pixels` bytes each: DCMTK's
// decoder believes its header.
bool is_whole_rle(std::span<const std::uint8_t> fragment, std::size_t pixels) {
  std::array<std::uint32_t, 16> head{};  // how many segments, then where each begins
  if (fragment.size() < sizeof head) return false;
  std::memcpy(head.data(), fragment.data(), sizeof head);
  if (head[0] < 1 || head[0] > 15) return false;
  for (std::size_t segment = 1; segment <= head[0]; ++segment) {
    std::size_t at = head[segment];
    const std::size_t end = segment < head[0] ? head[segment + 1] : fragment.size();
    if (at < sizeof head || at > end || end > fragment.size()) return false;
    for (std::size_t filled = 0; filled < pixels;) {
      if (at >= end) return false;
      const int control = static_cast<std::int8_t>(fragment[at++]);
      if (control == -128) continue;
      const std::size_t stored = control < 0 ? 1 : static_cast<std::size_t>(control) + 1;
      if (stored > end - at) return false;
      at += stored;
      filled += static_cast<std::size_t>(std::abs(control)) + 1;
    }
  }
  return true;
}

}  // namespace

FrameTotals rescale(std::span<const std::uint16_t> stored, const PixelFormat& format, double slope, double intercept, float padded, std::span<float> out) {
  return convert(stored, format, rescale_of(format, slope, intercept, padded), out);
}

struct PixelSource::State {
  const DicomFile& file;
  std::optional<ReadOnlyFile> direct;
  std::unique_ptr<DcmFileFormat> whole;
  DcmFileCache cache;
  DcmElement* pixels = nullptr;
  std::vector<std::byte> buffer;
  std::vector<std::size_t> starts;  // fragment at which each frame of a JPEG 2000 file begins, and the end
  Uint32 fragment = 0;
  std::optional<bool> whole_rle;    // of every fragment
  std::string problem, doubt;

  explicit State(const DicomFile& f) : file(f) {}
  const PixelFormat& format() const { return file.format; }

  bool fail(std::string why) {
    problem = std::move(why);
    return false;
  }

  bool open() {
    if (whole != nullptr) return pixels != nullptr || fail("no pixel data element");
    whole = std::make_unique<DcmFileFormat>();
    if (whole->loadFile(file.path.c_str()).bad()) return fail("the file is cut short or damaged");
    DcmDataset& data = *whole->getDataset();
    for (const DcmTagKey& tag : {DCM_PixelData, DCM_FloatPixelData, DCM_DoubleFloatPixelData})
      if (data.findAndGetElement(tag, pixels).good() && pixels != nullptr) return true;
    return fail("no pixel data element");
  }

  DcmPixelSequence* fragments() {
    auto* data = dynamic_cast<DcmPixelData*>(pixels);
    if (data == nullptr) return nullptr;
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter* parameter = nullptr;
    data->getOriginalRepresentationKey(syntax, parameter);
    DcmPixelSequence* sequence = nullptr;
    return data->getEncapsulatedRepresentation(syntax, parameter, sequence).good() ? sequence : nullptr;
  }

  static std::span<const std::uint8_t> bytes_of(DcmPixelSequence& sequence, std::size_t index) {
    DcmPixelItem* item = nullptr;
    Uint8* bytes = nullptr;
    if (sequence.getItem(item, static_cast<unsigned long>(index)).bad() || item == nullptr || item->getUint8Array(bytes).bad() || bytes == nullptr) return {};
    return {bytes, item->getLength()};
  }

  // The native bytes of a frame: straight from the file where its place is known, else through DCMTK and its decoders.
  bool read_bytes(int frame, std::size_t bytes) {
    if (bytes > format().most_bytes) return fail("the file is cut short or damaged");
    buffer.resize(bytes + bytes % 2);
    if (format().offset >= 0) {
      try {
        if (!direct) direct.emplace(file.path);
        direct->read_at(static_cast<std::uint64_t>(format().offset) + static_cast<std::uint64_t>(frame) * bytes, std::span(buffer).first(bytes));
        return true;
      } catch (const Error&) {
        return fail("the file is cut short or damaged");
      }
    }
    if (!open()) return false;
    if (format().coding == Coding::jpeg_ls) mend_thresholds();
    if (format().coding == Coding::rle && !has_whole_rle()) return fail("its pixels cannot be decoded");
    OFString colour_model;
    const OFCondition done = pixels->getUncompressedFrame(whole->getDataset(), static_cast<Uint32>(frame), fragment, buffer.data(),
                                                          static_cast<Uint32>(buffer.size()), colour_model, &cache);
    return done.good() || fail("its pixels cannot be decoded");
  }

  bool has_whole_rle() {
    if (whole_rle) return *whole_rle;
    DcmPixelSequence* sequence = fragments();
    whole_rle = sequence != nullptr;
    for (unsigned long i = 1; *whole_rle && i < sequence->card(); ++i) whole_rle = is_whole_rle(bytes_of(*sequence, i), format().pixels());
    return *whole_rle;
  }

  void mend_thresholds() {
    DcmPixelSequence* sequence = fragments();
    for (unsigned long i = 1; sequence != nullptr && i < sequence->card(); ++i) {
      const std::vector<std::uint8_t> mended = with_thresholds(bytes_of(*sequence, i));
      DcmPixelItem* item = nullptr;
      if (!mended.empty() && sequence->getItem(item, i).good()) item->putUint8Array(mended.data(), static_cast<unsigned long>(mended.size()));
    }
  }

  // Where frames begin among the fragments: each starts with a codestream or a JP2 file.
  bool find_frames(DcmPixelSequence& sequence) {
    if (!starts.empty()) return true;
    for (std::size_t i = 1; i < sequence.card(); ++i) {
      const std::span<const std::uint8_t> bytes = bytes_of(sequence, i);
      const bool codestream = bytes.size() > 4 && bytes[0] == 0xff && bytes[1] == 0x4f && bytes[2] == 0xff && bytes[3] == 0x51;
      const bool jp2 = bytes.size() > 8 && bytes[4] == 'j' && bytes[5] == 'P';
      if (codestream || jp2) starts.push_back(i);
    }
    starts.push_back(sequence.card());
    return static_cast<int>(starts.size()) == format().frames + 1 || fail("its frames cannot be told apart");
  }

  std::optional<DecodedJpeg2000> read_jpeg_2000(int frame) {
    DcmPixelSequence* sequence = open() ? fragments() : nullptr;
    if (sequence == nullptr || !find_frames(*sequence)) {
      if (problem.empty()) fail("its pixels cannot be decoded");
      return std::nullopt;
    }
    std::vector<std::uint8_t> stream;
    for (std::size_t i = starts[static_cast<std::size_t>(frame)]; i < starts[static_cast<std::size_t>(frame) + 1]; ++i) {
      const std::span<const std::uint8_t> bytes = bytes_of(*sequence, i);
      stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    std::optional<DecodedJpeg2000> decoded = decode_jpeg_2000(stream, {format().columns, format().rows, format().samples});
    if (!decoded)
      fail("its pixels cannot be decoded");
    else if (decoded->values.empty() || decoded->columns != format().columns || decoded->rows != format().rows || decoded->components != format().samples ||
             decoded->precision > std::max(8, format().bits_allocated)) {
      fail("its codestream has another size than its header says");
      return std::nullopt;
    } else if (decoded->is_signed && !format().is_signed) {
      doubt = "its header says unsigned, its codestream signed values";
    }
    return decoded;
  }

  std::optional<FrameTotals> read_floating(int frame, const Rescale& rule, std::span<float> out) {
    const std::size_t n = format().pixels(), first = n * static_cast<std::size_t>(frame);
    if (!open()) return std::nullopt;
    Float32* single = nullptr;
    Float64* twice = nullptr;
    std::optional<FrameTotals> totals;
    const bool wide = pixels->getTag() == DCM_DoubleFloatPixelData;
    if (pixels->getLength() < (first + n) * (wide ? 8 : 4))
      fail("the file is cut short or damaged");
    else if (!wide && pixels->getFloat32Array(single).good() && single != nullptr)
      totals = convert_floating(std::span<const Float32>(single + first, n), rule, out);
    else if (wide && pixels->getFloat64Array(twice).good() && twice != nullptr)
      totals = convert_floating(std::span<const Float64>(twice + first, n), rule, out);
    if (!totals && problem.empty()) fail("NaN or infinity among its values");
    return totals;
  }

  // One bit a pixel, packed across frames: a frame need not begin at a byte.
  bool read_bits(int frame) {
    const std::size_t n = format().pixels(), first = n * static_cast<std::size_t>(frame);
    Uint8* packed = nullptr;
    if (!open()) return false;
    if (pixels->getUint8Array(packed).bad() || packed == nullptr || static_cast<std::uint64_t>(pixels->getLength()) * 8 < first + n)
      return fail("the file is cut short or damaged");
    buffer.resize(n);
    for (std::size_t i = 0; i < n; ++i) buffer[i] = static_cast<std::byte>((packed[(first + i) / 8] >> ((first + i) % 8)) & 1);
    return true;
  }
};

PixelSource::PixelSource(const DicomFile& file) : state_(std::make_unique<State>(file)) {}
PixelSource::~PixelSource() = default;
const std::string& PixelSource::problem() const { return state_->problem; }
const std::string& PixelSource::doubt() const { return state_->doubt; }

std::optional<FrameTotals> PixelSource::read(const Plane& plane, std::span<float> out) {
  State& state = *state_;
  const PixelFormat& format = state.format();
  const float padded = state.file.modality == "CT" ? -1024.0f : 0.0f;
  const Rescale rule = rescale_of(format, plane.slope.value_or(1), plane.intercept.value_or(0), padded);
  state.problem.clear();
  if (format.floating) return state.read_floating(plane.frame, rule, out);
  const std::size_t samples = static_cast<std::size_t>(format.samples), n = format.pixels() * samples;
  if (format.colour()) out = {};
  if (format.coding == Coding::jpeg_2000) {
    const std::optional<DecodedJpeg2000> decoded = state.read_jpeg_2000(plane.frame);
    if (!decoded) return std::nullopt;
    return convert(std::span<const std::int32_t>(decoded->values), format, rule, out);
  }
  if (format.bits_allocated == 1) {
    if (!state.read_bits(plane.frame)) return std::nullopt;
  } else if (!state.read_bytes(plane.frame, n * static_cast<std::size_t>(format.bits_allocated / 8))) {
    return std::nullopt;
  }
  const void* bytes = state.buffer.data();
  if (format.bits_allocated <= 8) return convert(std::span(static_cast<const std::uint8_t*>(bytes), n), format, rule, out);
  if (format.bits_allocated == 16) return convert(std::span(static_cast<const std::uint16_t*>(bytes), n), format, rule, out);
  const std::span stored(static_cast<const std::int32_t*>(bytes), n);
  if (!format.is_signed && format.bits_stored == 32 && std::any_of(stored.begin(), stored.end(), [](std::int32_t v) { return v < 0; })) {
    state.problem = "values beyond 31 bits";
    return std::nullopt;
  }
  return convert(stored, format, rule, out);
}

}  // namespace hepar::imaging
