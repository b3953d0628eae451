// SPDX-License-Identifier: Apache-2.0
// CT studies of the abdomen in DICOM: what a picture archive hands over when somebody asks for a patient's scans.
#include "data/base/error.hpp"
#include "data/base/random.hpp"
#include "data/synthetic/abdomen.hpp"
#include "data/synthetic/dicom_writer.hpp"
#include "data/synthetic/nifti_writer.hpp"
#include "data/synthetic/noise.hpp"
#include "data/synthetic/raw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

namespace hepar::synthetic {

namespace {

namespace fs = std::filesystem;

constexpr std::array<double, phases> kAfterInjection_s{-45, 35, 70, 180};

// What a centre calls the phases, and in which character set.
struct Naming {
  const char* character_set;
  std::array<const char*, phases> description;
  std::vector<Phase> scanned;
};
const std::array<Naming, 3>& namings() {
  static const std::array<Naming, 3> kNamings{{
      {"GB18030", {"腹部平扫 5mm", "上腹部增强 动脉期 5mm", "上腹部增强 门静脉期 5mm", "上腹部增强 延迟期 5mm"}, {plain, arterial, portal}},
      {"", {"Abd native 5.0", "Liver Arterial Phase 5.0 B30f", "Liver Portal Venous 5.0 B30f", "Liver Delayed 5.0 B30f"}, {arterial, portal, delayed}},
      // Only the clock tells these apart.
      {"ISO_IR 192", {"上腹部增强 5mm", "上腹部增强 5mm", "上腹部增强 5mm", "上腹部增强 5mm"}, {arterial, portal}},
  }};
  return kNamings;
}

struct Visit {
  bool pre_op = true;
  long day = 0;        // after surgery
  std::string folder;  // below the cohort
  std::string mask;
};

// Every patient before surgery, every third soon after it as well. One centre exports a patient's studies into one folder,
// which both rows then name: dates tell them apart.
std::vector<Visit> visits_of(const Options& options, const Person& p) {
  Stream s({options.seed, 412, static_cast<std::uint64_t>(p.number)});
  const std::string folder = "imaging/" + p.id;
  const bool one_folder = p.centre % 3 == 1;
  std::vector<Visit> visits{{true, -3 - static_cast<long>(s.below(18)), one_folder ? folder : folder + "/pre", folder + "_tumour.nii"}};
  if (p.number % 3 == 1) visits.push_back({false, 12 + static_cast<long>(s.below(12)), one_folder ? folder : folder + "/post", ""});
  return visits;
}

class Study {
 public:
  Study(const Options& options, const Centre& centre, const Person& p, const Visit& visit)
      : options_(options),
        centre_(centre),
        person_(p),
        visit_(visit),
        naming_(namings()[p.centre % 3]),
        number_(static_cast<std::uint64_t>(p.number) * 2 + (visit.pre_op ? 0 : 1)),
        draw_({options.seed, 413, number_}),
        columns_(96 + 16 * static_cast<int>(p.centre % 3)),
        slices_(28 + 2 * static_cast<int>(draw_.below(5))),
        pixel_mm_((340 + 20 * draw_.uniform()) / columns_),
        abdomen_(options, p, slices_ * kThickness / 2, !visit.pre_op) {
    begin_s_ = 9 * 3600 + static_cast<double>(draw_.below(6 * 3600));
    origin_ = {-pixel_mm_ * (columns_ - 1) / 2 + 4 * draw_.normal(), -pixel_mm_ * (columns_ - 1) / 2 - 160, -700 - 100 * draw_.uniform()};
  }

  void write() {
    folder_ = options_.out / visit_.folder;
    localiser();
    for (std::size_t i = 0; i < naming_.scanned.size(); ++i) series(naming_.scanned[i], static_cast<int>(i));
    if (person_.centre % 3 == 1) dose_sheet();
    if (person_.centre % 3 == 2) litter();
    if (!visit_.mask.empty()) mask();
  }

 private:
  static constexpr double kThickness = 5;

  [[nodiscard]] double x(int column) const { return (column - (columns_ - 1) / 2.0) * pixel_mm_; }
  [[nodiscard]] double z(int slice) const { return (slice - (slices_ - 1) / 2.0) * kThickness; }

  [[nodiscard]] DicomImage common(int series_number, const std::string& description) const {
    DicomImage image;
    image.study = uid_of({options_.seed, 421, number_});
    image.frame_of_reference = uid_of({options_.seed, 422, number_});
    image.series = uid_of({options_.seed, 423, number_, static_cast<std::uint64_t>(series_number)});
    image.patient = person_.id;
    image.institution = "Synthetic hospital " + centre_.name;
    image.study_date = date_after_surgery(options_, person_, visit_.day);
    std::erase(image.study_date, '-');
    image.character_set = naming_.character_set;
    image.series_description = image.character_set == "GB18030" ? gb18030(description) : description;
    image.series_number = series_number;
    image.columns = image.rows = columns_;
    image.pixel_mm = pixel_mm_;
    image.thickness_mm = kThickness;
    return image;
  }

  // Archives name files by running number or by UID, with and without an ending, flat or a folder a series.
  [[nodiscard]] fs::path path_of(const DicomImage& image) {
    ++files_;
    if (person_.centre % 3 == 0) return folder_ / fmt::format("S{:03}", image.series_number) / fmt::format("IM{:05}", files_);
    if (person_.centre % 3 == 1) return folder_ / (image.instance + ".dcm");
    return folder_ / fmt::format("{:08}.dcm", image.series_number * 1000 + image.instance_number);
  }

  void write_image(DicomImage& image, const std::string& copy = "") {
    image.instance = uid_of({options_.seed, 424, number_, static_cast<std::uint64_t>(image.series_number), static_cast<std::uint64_t>(image.instance_number)});
    fs::path path = path_of(image);
    if (!copy.empty()) path = path.parent_path() / (path.stem().string() + copy + path.extension().string());
    make_folder(path.parent_path());
    static constexpr std::array<Syntax, 4> kSyntaxes{Syntax::explicit_little, Syntax::implicit_little, Syntax::jpeg_lossless, Syntax::rle};
    write_dicom(path, image, kSyntaxes[person_.centre % 4]);
  }

  // 12 bits with an intercept, or signed HU with padding outside the round field of view.
  void paint(DicomImage& image, Phase phase, int slice, std::uint64_t key) const {
    const bool is_signed = person_.centre % 2 == 1;
    image.intercept = is_signed ? 0 : -1024;
    if (is_signed) image.padding = -2000;
    image.pixels.resize(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(columns_));
    const double reach = columns_ * pixel_mm_ / 2;
    std::size_t at = 0;
    for (int row = 0; row < columns_; ++row)
      for (int column = 0; column < columns_; ++column, ++at) {
        const double left = x(column), back = x(row);
        const double hu = abdomen_.hu(phase, left, back, z(slice));
        const double noise = centre_.ct_noise * static_cast<double>(rough_normal(key, at + image.pixels.size() * static_cast<std::size_t>(slice)));
        const double seen = hu == kAir ? hu + noise : hu * centre_.ct_gain + centre_.ct_offset + noise;
        long stored = std::lround(std::clamp(seen, -1024.0, 3071.0) - image.intercept);
        if (is_signed && std::hypot(left, back) > reach) stored = *image.padding;
        image.pixels[at] = static_cast<std::uint16_t>(stored);
      }
  }

  void series(Phase phase, int index) {
    const bool shared = person_.number % 5 == 4;                                      // all phases in one series
    const bool gap = visit_.pre_op && phase == arterial && person_.number % 23 == 7;  // an image was lost
    DicomImage image = common(shared ? 2 : 2 + index, naming_.description[shared ? portal : phase]);
    if (shared) image.series_description = image.character_set == "GB18030" ? gb18030("肝脏三期增强") : "Liver multiphase";
    image.acquisition_number = 1 + index;
    if (phase != plain) image.injected_s = begin_s_ + 60;
    const std::uint64_t key = draw_.bits();
    for (int slice = 0; slice < slices_; ++slice) {
      const bool lost = gap && slice == slices_ / 2;
      image.instance_number = (shared ? slices_ * index : 0) + slices_ - slice;  // from head to foot
      image.acquired_s = begin_s_ + 60 + kAfterInjection_s[phase] + 0.2 * (slices_ - slice);
      image.position = {{origin_[0], origin_[1], origin_[2] + slice * kThickness}};
      paint(image, phase, slice, key);
      if (!lost) write_image(image);
      if (person_.number % 4 == 1 && slice == 3) write_image(image, " (1)");
    }
  }

  void localiser() {
    DicomImage image = common(1, naming_.character_set[0] == '\0' ? "Topogram" : "定位像");
    image.image_type = "ORIGINAL\\PRIMARY\\LOCALIZER";
    image.acquired_s = begin_s_;
    image.position = {{origin_[0], origin_[1], origin_[2]}};
    paint(image, plain, 0, draw_.bits());
    write_image(image);
  }

  // The sheet with the dose, a picture of text.
  void dose_sheet() {
    DicomImage image = common(99, "Patient Protocol");
    image.image_type = "DERIVED\\SECONDARY";
    image.pixels.assign(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(columns_), 0);
    for (std::size_t i = 0; i < image.pixels.size(); i += 7) image.pixels[i] = 255;
    write_image(image);
  }

  // What the viewer on a CD leaves beside the images.
  void litter() const {
    for (const char* name : {"AUTORUN.INF", "README.TXT"}) std::ofstream(folder_ / name) << "open=viewer.exe\r\n";
  }

  void mask() const {
    std::vector<std::uint8_t> inside;
    inside.reserve(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(columns_) * static_cast<std::size_t>(slices_));
    for (int slice = 0; slice < slices_; ++slice)
      for (int row = 0; row < columns_; ++row)
        for (int column = 0; column < columns_; ++column) inside.push_back(abdomen_.in_lesion(x(column), x(row), z(slice)) ? 1 : 0);
    write_nifti(options_.out / visit_.mask, {{columns_, columns_, slices_}, {pixel_mm_, pixel_mm_, kThickness}, origin_}, inside);
  }

  const Options& options_;
  const Centre& centre_;
  const Person& person_;
  const Visit& visit_;
  const Naming& naming_;
  std::uint64_t number_;
  Stream draw_;
  int columns_, slices_;
  double pixel_mm_;
  Abdomen abdomen_;
  double begin_s_ = 0;
  std::array<double, 3> origin_{};
  fs::path folder_;
  int files_ = 0;
};

}  // namespace

std::string date_after_surgery(const Options& options, const Person& p, long days) {
  using namespace std::chrono;
  const auto surgery = static_cast<long>(hash_words({options.seed, 401, static_cast<std::uint64_t>(p.number)}) % 2000);
  const year_month_day date{sys_days{year{2015} / 1 / 1} + std::chrono::days{surgery + days}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string surgery_date(const Options& options, const Person& p) { return date_after_surgery(options, p, 0); }

std::vector<std::vector<std::string>> raw_image_rows(const Options& options, const Person& p) {
  std::vector<std::vector<std::string>> rows;
  for (const Visit& visit : visits_of(options, p))
    rows.push_back({p.id, visit.folder, visit.pre_op ? "pre_op" : "post_op", "", date_after_surgery(options, p, visit.day), visit.mask});
  return rows;
}

void write_raw_scans(const Options& options, const Centre& centre, const Person& p) {
  const DicomEncoders encoders;
  for (const Visit& visit : visits_of(options, p)) Study(options, centre, p, visit).write();
}

}  // namespace hepar::synthetic
