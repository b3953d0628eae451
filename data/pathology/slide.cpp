// SPDX-License-Identifier: Apache-2.0
// Opening a slide: what it is, which of its levels can be trusted, which are decoded directly.
#include "data/pathology/slide.hpp"

#include "data/base/text.hpp"
#include "data/pathology/slide_native.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

namespace hepar::pathology {

namespace {

struct Advice { std::string_view extension, advice; };
constexpr std::array<Advice, 7> kForeign{{
    {".kfb", "KFB is a closed format; export the slide as tiled TIFF"},
    {".sdpc", "SDPC is a closed format; export the slide as tiled TIFF"},
    {".tron", "TRON is a closed format; export the slide as tiled TIFF"},
    {".tmap", "TMAP is a closed format; export the slide as tiled TIFF"},
    {".isyntax", "iSyntax is a closed format; export the slide as Philips or tiled TIFF"},
    {".czi", "CZI needs OpenSlide 4; export the slide as tiled TIFF"},
    {".dcm", "a DICOM slide that this OpenSlide does not read (3.4 reads none); export it as tiled TIFF"},
}};
constexpr std::array<std::string_view, 11> kExtensions{".svs", ".tif", ".tiff", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".bif", ".svslide", ".btf"};

// A scanner's poorest picture, all background, holds a tenth of that; more is a header that lies, and would be read for hours.
constexpr std::uintmax_t kMostPixelsOfByte = 4096;

std::string extension_of(const std::filesystem::path& path) { return fold_case(path.extension().string()); }

// Part 10 files say in their meta header what they are; the storage class of slides is the one looked for.
bool is_dicom_slide(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::ifstream in(path, std::ios::binary);
  std::string head(1024, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  if (head.size() < 132 || head.compare(128, 4, "DICM") != 0) return false;
  return head.find("1.2.840.10008.5.1.4.1.1.77.1.6") != std::string::npos;
}

Slide::Opened refused(Reason reason, std::string detail) {
  Slide::Opened opened;
  opened.reason = reason;
  opened.detail = std::move(detail);
  return opened;
}

std::uint32_t colour_of(const std::optional<std::string>& hex) {
  if (!hex || hex->size() != 6 || hex->find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return 0xffffff;
  return static_cast<std::uint32_t>(std::stoul(*hex, nullptr, 16));
}

}  // namespace

bool takes_slide(const std::filesystem::path& path) {
  const std::string extension = extension_of(path);
  if (std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end()) return true;
  if (extension != ".dcm" && std::any_of(kForeign.begin(), kForeign.end(), [&](const Advice& one) { return one.extension == extension; })) return true;
  return is_dicom_slide(path);
}

std::vector<std::filesystem::path> files_of_slide(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files{path};
  if (extension_of(path) == ".mrxs") files.push_back(path.parent_path() / path.stem());
  return files;
}

Slide::Slide(std::unique_ptr<Native> native) : native_(std::move(native)) {}
Slide::~Slide() = default;

std::optional<std::string> Slide::property(const std::string& name) const {
  const char* value = openslide_get_property_value(native_->handle.get(), name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Slide::Opened Slide::open(const std::filesystem::path& path) {
  silence_libtiff();
  auto native = std::make_unique<Native>(path);
  if (openslide_detect_vendor(path.c_str()) == nullptr) {
    const std::string extension = extension_of(path);
    for (const Advice& foreign : kForeign)
      if (extension == foreign.extension) return refused(Reason::unsupported, std::string(foreign.advice));
    return refused(Reason::unsupported, "no whole slide that OpenSlide knows, and no tile features (.h5)");
  }
  native->handle.reset(openslide_open(path.c_str()));
  if (!native->handle || openslide_get_error(native->handle.get()) != nullptr) return refused(Reason::unreadable, "OpenSlide knows the format but cannot open the file");
  Opened opened;
  opened.slide.reset(new Slide(std::move(native)));
  opened.slide->find_levels(path);
  const std::vector<SlideLevel>& levels = opened.slide->levels_;
  if (std::none_of(levels.begin(), levels.end(), [](const SlideLevel& level) { return level.trouble.empty(); }))
    return refused(Reason::unreadable, "none of its levels can be trusted: " + (levels.empty() ? std::string("it has none") : levels.front().trouble));
  return opened;
}

void Slide::find_levels(const std::filesystem::path& path) {
  openslide_t* handle = native_->handle.get();
  vendor_ = property(OPENSLIDE_PROPERTY_NAME_VENDOR).value_or("unknown");
  native_->background = colour_of(property(OPENSLIDE_PROPERTY_NAME_BACKGROUND_COLOR));
  native_->tiff = read_tiff_levels(path);
  // Vendors whose tiles lie on one plain grid and mean what they say.
  const bool plain = vendor_ == "aperio" || vendor_ == "generic-tiff";
  const int count = openslide_get_level_count(handle);
  std::error_code failed;
  const std::uintmax_t bytes = native_->tiff.empty() ? 0 : std::filesystem::file_size(path, failed);  // 0: another format, of several files
  std::int64_t width0 = 0, height0 = 0;
  openslide_get_level0_dimensions(handle, &width0, &height0);
  for (int i = 0; i < count; ++i) {
    SlideLevel level;
    openslide_get_level_dimensions(handle, i, &level.width, &level.height);
    if (level.width <= 0 || level.height <= 0) continue;
    level.downsample_x = static_cast<double>(width0) / static_cast<double>(level.width);
    level.downsample_y = static_cast<double>(height0) / static_cast<double>(level.height);
    int found = -1, matches = 0;
    for (std::size_t t = 0; t < native_->tiff.size(); ++t)
      if (native_->tiff[t].width == level.width && native_->tiff[t].height == level.height) {
        found = static_cast<int>(t);
        ++matches;
      }
    if (matches > 0) {
      const TiffLevel& tiff = native_->tiff[static_cast<std::size_t>(found)];
      if (tiff.tile_width <= 4096 && tiff.tile_height <= 4096) {
        level.tile_width = tiff.tile_width;
        level.tile_height = tiff.tile_height;
      }
      level.direct = plain && matches == 1 && tiff.plain_jpeg;
      if (!tiff.jpeg && (level.width < tiff.tile_width || level.height < tiff.tile_height))
        level.trouble = "level " + std::to_string(i) + " (" + std::to_string(level.width) + " x " + std::to_string(level.height) +
                        ") is smaller than one of its tiles and not JPEG: OpenSlide with libtiff may return other pixels at each read";
    }
    if (bytes > 0 && static_cast<std::uintmax_t>(level.width) > kMostPixelsOfByte * bytes / static_cast<std::uintmax_t>(level.height))
      level.trouble = "level " + std::to_string(i) + " (" + std::to_string(level.width) + " x " + std::to_string(level.height) + ") has more pixels than the file can hold";
    levels_.push_back(level);
    native_->source.push_back(level.direct ? found : -1);
    native_->file_level.push_back(static_cast<std::size_t>(i));
  }
  file_levels_ = levels_.size();
  bounds_ = {0, 0, width0, height0};
  const auto number = [&](const char* name) { return parse_number(property(name).value_or("")); };
  const auto x = number(OPENSLIDE_PROPERTY_NAME_BOUNDS_X), y = number(OPENSLIDE_PROPERTY_NAME_BOUNDS_Y), w = number(OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH),
             h = number(OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT);
  if (x && y && w && h && *x >= 0 && *y >= 0 && *w > 0 && *h > 0 && *x + *w <= static_cast<double>(width0) && *y + *h <= static_cast<double>(height0))
    bounds_ = {std::llround(*x), std::llround(*y), std::llround(*w), std::llround(*h)};
  add_reduced_levels();
  if (std::any_of(levels_.begin(), levels_.end(), [](const SlideLevel& level) { return level.direct; })) native_->file.emplace(path);
}

void Slide::add_reduced_levels() {
  for (std::size_t i = 0; i < file_levels_; ++i) {
    if (!levels_[i].direct) continue;
    for (const int denominator : {2, 4, 8}) {
      SlideLevel level = levels_[i];
      level.denominator = denominator;
      level.width /= denominator;
      level.height /= denominator;
      if (level.width == 0 || level.height == 0) continue;
      level.tile_width /= denominator;
      level.tile_height /= denominator;
      level.downsample_x *= denominator;
      level.downsample_y *= denominator;
      levels_.push_back(level);
      native_->source.push_back(native_->source[i]);
      native_->file_level.push_back(native_->file_level[i]);
    }
  }
}

}  // namespace hepar::pathology
