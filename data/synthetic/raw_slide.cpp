// SPDX-License-Identifier: Apache-2.0
// Whole slides of liver and tumour. Cells are laid on a jittered lattice in densities of two stains; a centre's stain vectors
// make colours of them. What shows the latents is counted, not coloured, so that it survives another centre's stain.
#include "data/base/random.hpp"
#include "data/synthetic/raw.hpp"
#include "data/synthetic/slide_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace hepar::synthetic {

namespace {

constexpr int kBlock = 8;        // px; tissue begins and ends at blocks
constexpr double kCell_um = 24;  // a hepatocyte
constexpr int kGlass = 2;        // density of the empty slide; densities are in 1/100

// How latents 2 and 3 show in every cell, latent 4 in the tumour alone: shares of cells, a unit of the latent adding `per`.
struct Shown {
  double mean, per;
  [[nodiscard]] double share(double painted) const { return std::clamp(mean + per * painted, 0.02, 0.96); }
};
constexpr Shown kNuclei{0.55, 0.17}, kDroplets{0.34, 0.15}, kRedCells{0.38, 0.17};

enum class Kind : std::uint8_t { glass, liver, tumour, septum };

struct Density {
  std::uint8_t hematoxylin = kGlass, eosin = kGlass;
};

class Section {
 public:
  Section(const Person& p, int width, int height, double um, std::uint64_t key)
      : person_(p),
        width_(width),
        height_(height),
        um_(um),
        draw_({key}),
        across_(width / kBlock),
        down_(height / kBlock),
        kinds_(static_cast<std::size_t>(across_ * down_), Kind::glass),
        density_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {
    outline();
    cells();
  }
  [[nodiscard]] const Density* row(int y) const { return density_.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_); }

 private:
  // A section that fills most of the glass; on one side of a wavy capsule lies the tumour.
  void outline() {
    const double wave = 6.28 * draw_.uniform(), share = 0.28 + 0.10 * draw_.uniform();
    for (int by = 0; by < down_; ++by)
      for (int bx = 0; bx < across_; ++bx) {
        const double u = (2.0 * bx / across_ - 1) / 0.93, v = (2.0 * by / down_ - 1) / 0.92;
        const double edge = 1 + 0.05 * std::sin(3 * std::atan2(v, u) + wave) + 0.02 * std::sin(17 * std::atan2(v, u));
        if (u * u * u * u + v * v * v * v > edge) continue;
        const double capsule = share + 0.03 * std::sin(9 * v + wave) - static_cast<double>(bx) / across_;
        const double width_um = 30, at_um = capsule * width_ * um_;
        Kind& kind = kinds_[static_cast<std::size_t>(by * across_ + bx)];
        kind = std::abs(at_um) < width_um ? Kind::septum : capsule > 0 ? Kind::tumour : Kind::liver;
        const Density between = kind == Kind::septum ? Density{9, 44} : Density{4, 13};
        for (int y = by * kBlock; y < (by + 1) * kBlock; ++y)
          std::fill_n(density_.begin() + static_cast<std::ptrdiff_t>(y) * width_ + bx * kBlock, kBlock, between);
      }
  }

  [[nodiscard]] Kind kind_at(double x, double y) const {
    const int bx = static_cast<int>(x) / kBlock, by = static_cast<int>(y) / kBlock;
    return x < 0 || y < 0 || bx >= across_ || by >= down_ ? Kind::glass : kinds_[static_cast<std::size_t>(by * across_ + bx)];
  }

  void disc(double cx, double cy, double radius, Density density) {
    const int top = std::max(0, static_cast<int>(std::ceil(cy - radius))), bottom = std::min(height_ - 1, static_cast<int>(std::floor(cy + radius)));
    for (int y = top; y <= bottom; ++y) {
      const double half = std::sqrt(radius * radius - (y - cy) * (y - cy));
      const int from = std::max(0, static_cast<int>(std::ceil(cx - half))), to = std::min(width_, static_cast<int>(std::floor(cx + half)) + 1);
      if (from < to)
        std::fill(density_.begin() + static_cast<std::ptrdiff_t>(y) * width_ + from, density_.begin() + static_cast<std::ptrdiff_t>(y) * width_ + to, density);
    }
  }

  [[nodiscard]] std::uint8_t near(int mean, int spread) {
    return static_cast<std::uint8_t>(mean - spread + static_cast<int>(draw_.below(static_cast<std::uint64_t>(2 * spread + 1))));
  }

  void cell(double x, double y, Kind kind) {
    const double px = 1 / um_;
    const bool tumour = kind == Kind::tumour;
    if (tumour && draw_.chance(kRedCells.share(person_.painted[4]))) {
      // A lake of red cells, of no shape of its own.
      for (int part = 0; part < 3; ++part) disc(x + 4 * px * draw_.normal(), y + 4 * px * draw_.normal(), (7 + 2 * draw_.uniform()) * px, {6, near(118, 8)});
      return;
    }
    const Density body = tumour ? Density{near(12, 3), near(29, 5)} : Density{near(6, 2), near(34, 5)};
    disc(x, y, 13.6 * px, {body.hematoxylin, static_cast<std::uint8_t>(body.eosin + 9)});  // its membrane
    disc(x, y, 12.6 * px, body);
    for (int grain = 0; grain < 6; ++grain)
      disc(x + 5 * px * draw_.normal(), y + 5 * px * draw_.normal(), 1.6 * px,
           {body.hematoxylin, static_cast<std::uint8_t>(body.eosin + (grain % 2 == 0 ? 6 : -6))});
    const bool fat = draw_.chance(kDroplets.share(person_.painted[3]));
    if (fat) disc(x + 3 * px, y + 2 * px, (5 + 1.5 * draw_.uniform()) * px, {1, 1});
    if (!draw_.chance(kNuclei.share(person_.painted[2]))) return;
    const double aside = fat ? -5 * px : 1.5 * px * draw_.normal(), radius = (tumour ? 3.9 : 3.3) * px * (0.9 + 0.2 * draw_.uniform());
    const std::uint8_t dark = near(92, 9);
    disc(x + aside, y + aside, radius, {dark, 18});
    disc(x + aside + 0.6 * px, y + aside + 0.4 * px, radius * 0.75, {dark, 18});
  }

  // Rows of cells, each half a cell aside of the one above.
  void cells() {
    const double pitch = kCell_um / um_;
    int row = 0;
    for (double y = pitch / 2; y < height_; y += 0.87 * pitch, ++row)
      for (double x = row % 2 == 0 ? pitch / 2 : pitch; x < width_; x += pitch) {
        const double cx = x + 0.15 * pitch * draw_.normal(), cy = y + 0.15 * pitch * draw_.normal();
        const Kind kind = kind_at(cx, cy);
        if (kind == Kind::liver || kind == Kind::tumour) cell(cx, cy, kind);
        if (kind == Kind::septum)
          for (int fibre = 0; fibre < 9; ++fibre)
            disc(cx + pitch * draw_.normal() / 2, cy + pitch * draw_.normal() / 2, 2.2 / um_, fibre == 0 ? Density{80, 20} : Density{9, near(44, 9)});
      }
  }

  const Person& person_;
  int width_, height_;
  double um_;
  Stream draw_;
  int across_, down_;
  std::vector<Kind> kinds_;
  std::vector<Density> density_;
};

constexpr int kMost = 160, kNoise = 8;  // densities and their noise in the table

// Transmission of each channel by density, in 1/256: a product of two and a shift make a colour.
struct Stain {
  std::array<std::array<std::uint16_t, kMost>, 3> hematoxylin{}, eosin{};
  Stain(const Centre& centre, std::uint64_t key) {
    Stream of_centre({centre.stain, 7}), of_slide({key, 8});
    std::array<double, 3> h{0.650, 0.704, 0.286}, e{0.095, 0.950, 0.270};
    const double strength_h = (0.88 + 0.3 * of_centre.uniform()) * (1 + 0.03 * of_slide.normal()),
                 strength_e = (0.85 + 0.3 * of_centre.uniform()) * (1 + 0.03 * of_slide.normal());
    for (std::size_t c = 0; c < 3; ++c) {
      h[c] += 0.03 * of_centre.normal();
      e[c] += 0.03 * of_centre.normal();
      for (int d = 0; d < kMost; ++d) {
        const double density = std::max(0, d - kNoise / 2) / 100.0;
        hematoxylin[c][static_cast<std::size_t>(d)] = static_cast<std::uint16_t>(std::lround(256 * std::pow(10, -density * strength_h * h[c])));
        eosin[c][static_cast<std::size_t>(d)] = static_cast<std::uint16_t>(std::lround(253 * std::pow(10, -density * strength_e * std::max(0.02, e[c]))));
      }
    }
  }
};

Picture coloured(const Section& section, int width, int height, const Stain& stain, std::uint64_t key) {
  Picture picture{width, height, {}};
  picture.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    const Density* from = section.row(y);
    std::uint8_t* to = picture.row(y);
    auto noise = static_cast<std::uint32_t>(mix64(key + static_cast<std::uint64_t>(y)));
    for (int x = 0; x < width; ++x, to += 3) {
      noise = noise * 1664525u + 1013904223u;
      const std::size_t h = from[x].hematoxylin + (noise >> 29), e = from[x].eosin + ((noise >> 26) & 7u);
      for (std::size_t c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>((stain.hematoxylin[c][h] * stain.eosin[c][e]) >> 8);
    }
  }
  return picture;
}

// A stroke of green ink on the glass beside the section.
void pen(Picture& picture) {
  const int thick = std::max(4, picture.height / 90);
  for (int y = 2; y < 2 + thick; ++y)
    for (int x = picture.width / 5; x < picture.width * 3 / 5; ++x) {
      std::uint8_t* p = picture.row(y) + static_cast<std::ptrdiff_t>(x) * 3;
      p[0] = 30, p[1] = 130, p[2] = 80;
    }
}

struct Glass {
  Scanner scanner;
  std::string file;  // below slides/
  int tiles = 60;    // whole tiles of 128 um that the section is to hold, about
  bool cut = false;  // the copy ended too early
  bool pen = false;
};

// Two scanners write SVS, at 20x and 40x, one a plain TIFF of its own scale that some exports lost.
std::vector<Glass> glasses_of(const Person& p) {
  std::vector<Glass> glasses;
  const std::size_t habit = p.centre % 3;
  const int parts = p.number % 7 == 3 ? 2 : 1;
  for (int part = 0; part < parts; ++part) {
    Glass glass;
    glass.scanner.aperio = habit != 2;
    glass.scanner.um_per_pixel = habit == 0 ? 0.5 : habit == 1 ? 0.2508 : 0.4592;
    glass.scanner.states_scale = glass.scanner.aperio || p.number % 4 != 0;
    glass.scanner.slide_name = fmt::format("{}-{}", p.id, part + 1);
    glass.file = fmt::format("{}_{}.{}", p.id, part + 1, glass.scanner.aperio ? "svs" : "tif");
    glass.tiles = std::clamp(static_cast<int>(p.tiles) / (2 * parts), 36, habit == 1 ? 56 : 110);
    glass.cut = p.number % 29 == 11 && part == 0;
    glass.pen = p.number % 11 == 5;
    glasses.push_back(std::move(glass));
  }
  return glasses;
}

}  // namespace

std::vector<std::vector<std::string>> raw_slide_rows(const Options&, const Person& p) {
  std::vector<std::vector<std::string>> rows;
  for (const Glass& glass : glasses_of(p))
    rows.push_back({p.id, "slides/" + glass.file, "HE", glass.scanner.states_scale ? "" : fmt::format("{}", glass.scanner.um_per_pixel)});
  return rows;
}

void write_raw_slides(const Options& options, const Centre& centre, const Person& p) {
  std::uint64_t part = 0;
  for (const Glass& glass : glasses_of(p)) {
    const std::uint64_t key = hash_words({options.seed, 431, static_cast<std::uint64_t>(p.number), part++});
    const double um = glass.scanner.um_per_pixel, edge = 128 / um;
    const int across = static_cast<int>(std::lround(std::sqrt(glass.tiles * 1.25))), down = (glass.tiles + across - 1) / across;
    const int width = static_cast<int>((across + 1.3) * edge) / kBlock * kBlock, height = static_cast<int>((down + 1.3) * edge) / kBlock * kBlock;
    const Section section(p, width, height, um, key);
    Picture picture = coloured(section, width, height, Stain(centre, key), key);
    if (glass.pen) pen(picture);
    const std::filesystem::path path = options.out / "slides" / glass.file;
    write_slide(path, picture, glass.scanner);
    if (glass.cut) std::filesystem::resize_file(path, std::filesystem::file_size(path) / 3);
  }
}

}  // namespace hepar::synthetic
