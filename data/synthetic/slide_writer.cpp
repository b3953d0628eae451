// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/slide_writer.hpp"

#include "data/base/error.hpp"

#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace hepar::synthetic {

namespace {

constexpr int kTile = 256, kLevels = 3;

Picture halved(const Picture& from) {
  Picture to{from.width / 2, from.height / 2, {}};
  to.rgb.resize(static_cast<std::size_t>(to.width) * static_cast<std::size_t>(to.height) * 3);
  for (int y = 0; y < to.height; ++y) {
    const std::uint8_t *above = from.row(2 * y), *below = from.row(2 * y + 1);
    std::uint8_t* out = to.row(y);
    for (int x = 0; x < to.width; ++x)
      for (int c = 0; c < 3; ++c)
        out[3 * x + c] = static_cast<std::uint8_t>((above[6 * x + c] + above[6 * x + 3 + c] + below[6 * x + c] + below[6 * x + 3 + c] + 2) / 4);
  }
  return to;
}

class SlideFile {
 public:
  SlideFile(const std::filesystem::path& path, const Scanner& scanner) : path_(path), scanner_(scanner), file_(TIFFOpen(path.c_str(), "w"), &TIFFClose) {
    if (!file_) fail();
  }

  void level(const Picture& picture, const std::string& description, bool reduced) {
    common(picture, description);
    TIFFSetField(file_.get(), TIFFTAG_TILEWIDTH, kTile);
    TIFFSetField(file_.get(), TIFFTAG_TILELENGTH, kTile);
    if (reduced) TIFFSetField(file_.get(), TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    std::vector<std::uint8_t> tile(static_cast<std::size_t>(kTile) * kTile * 3);
    for (int top = 0; top < picture.height; top += kTile)
      for (int left = 0; left < picture.width; left += kTile) {
        // Beyond the edge the last pixels go on, so that the JPEG of an edge tile has no step.
        const int inside = std::min(kTile, picture.width - left);
        for (int y = 0; y < kTile; ++y) {
          const std::uint8_t* from = picture.row(std::min(top + y, picture.height - 1)) + static_cast<std::ptrdiff_t>(left) * 3;
          std::uint8_t* to = tile.data() + static_cast<std::ptrdiff_t>(y) * kTile * 3;
          std::copy_n(from, inside * 3, to);
          for (int x = inside; x < kTile; ++x) std::copy_n(from + static_cast<std::ptrdiff_t>(inside - 1) * 3, 3, to + static_cast<std::ptrdiff_t>(x) * 3);
        }
        if (TIFFWriteTile(file_.get(), tile.data(), static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(top), 0, 0) < 0) fail();
      }
    end();
  }

  // Thumbnail, label, macro: in strips.
  void associated(const Picture& picture, const std::string& description, bool reduced) {
    common(picture, description);
    TIFFSetField(file_.get(), TIFFTAG_ROWSPERSTRIP, 16);
    if (reduced) TIFFSetField(file_.get(), TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    std::vector<std::uint8_t> row;
    for (int y = 0; y < picture.height; ++y) {
      row.assign(picture.row(y), picture.row(y) + static_cast<std::ptrdiff_t>(picture.width) * 3);
      if (TIFFWriteScanline(file_.get(), row.data(), static_cast<std::uint32_t>(y), 0) < 0) fail();
    }
    end();
  }

  void close() {
    TIFF* file = file_.release();
    const bool good = TIFFFlush(file) == 1;
    TIFFClose(file);
    if (!good) fail();
  }

 private:
  void common(const Picture& picture, const std::string& description) {
    TIFF* file = file_.get();
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(picture.width));
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(picture.height));
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(file, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
    TIFFSetField(file, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
    TIFFSetField(file, TIFFTAG_JPEGQUALITY, 80);
    TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (!description.empty()) TIFFSetField(file, TIFFTAG_IMAGEDESCRIPTION, description.c_str());
    if (scanner_.aperio || !scanner_.states_scale) return;
    TIFFSetField(file, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(file, TIFFTAG_XRESOLUTION, 1e4 / scanner_.um_per_pixel);
    TIFFSetField(file, TIFFTAG_YRESOLUTION, 1e4 / scanner_.um_per_pixel);
  }
  void end() {
    if (TIFFWriteDirectory(file_.get()) != 1) fail();
  }
  [[noreturn]] void fail() const { throw disk_error("cannot write", {path_.string()}); }

  const std::filesystem::path& path_;
  const Scanner& scanner_;
  std::unique_ptr<TIFF, decltype(&TIFFClose)> file_;
};

// A paper label: bars over white, as a bar code and a name in print.
Picture label_of(const Scanner& scanner, int width, int height) {
  Picture picture{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 250)};
  for (int y = height / 4; y < height / 2; ++y)
    for (int x = 10; x + 10 < width; ++x)
      if (((scanner.slide_name[static_cast<std::size_t>(x / 6) % scanner.slide_name.size()] >> (x % 6)) & 1) != 0)
        std::fill_n(picture.row(y) + static_cast<std::ptrdiff_t>(x) * 3, 3, std::uint8_t{20});
  return picture;
}

std::string aperio_description(const Picture& full, const Picture& picture, const Scanner& scanner) {
  return fmt::format(
      "Aperio Image Library v11.2.1 \r\n{}x{} [0,0 {}x{}] ({}x{}) -> {}x{} JPEG/RGB Q=80|AppMag = {}|MPP = {:.4f}|Filename = {}|Title = {}|User = synthetic",
      full.width, full.height, full.width, full.height, kTile, kTile, picture.width, picture.height, scanner.um_per_pixel < 0.35 ? 40 : 20,
      scanner.um_per_pixel, scanner.slide_name, scanner.slide_name);
}

}  // namespace

void write_slide(const std::filesystem::path& path, const Picture& picture, const Scanner& scanner) {
  SlideFile file(path, scanner);
  std::vector<Picture> levels{halved(halved(picture))};
  levels.push_back(halved(halved(levels.front())));
  const auto describe = [&](const Picture& of) { return scanner.aperio ? aperio_description(picture, of, scanner) : std::string(); };
  file.level(picture, describe(picture), false);
  if (scanner.aperio) file.associated(levels.back(), describe(levels.back()), false);
  for (int level = 1; level < kLevels; ++level)
    file.level(levels[static_cast<std::size_t>(level) - 1], describe(levels[static_cast<std::size_t>(level) - 1]), true);
  if (scanner.aperio) {
    const Picture label = label_of(scanner, 160, 160), macro = label_of(scanner, 400, 160);
    file.associated(label, fmt::format("Aperio Image Library v11.2.1 \r\nlabel {}x{}", label.width, label.height), true);
    file.associated(macro, fmt::format("Aperio Image Library v11.2.1 \r\nmacro {}x{}", macro.width, macro.height), true);
  }
  file.close();
}

}  // namespace hepar::synthetic
