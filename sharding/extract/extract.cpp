// SPDX-License-Identifier: Apache-2.0
#include "sharding/extract/extract.hpp"

#include "data/base/files.hpp"
#include "data/imaging/volume.hpp"
#include "data/pathology/bag.hpp"
#include "data/pathology/slide.hpp"
#include "data/pathology/thumbnail.hpp"
#include "data/reports/sequence.hpp"
#include "sharding/store/layout.hpp"

#include <algorithm>
#include <array>

#include <sys/stat.h>

namespace hepar::extract {

namespace {

using Json = nlohmann::ordered_json;

// What a kind of modality needs: its layout, its values, the files it reads and the settings that decide it.
struct Extractor {
  Kind kind;
  int version;  // goes up whenever the same files give other values or facts: what was extracted before is then extracted again
  std::optional<Layout> (*layout)(const Cohort&, const ModalitySpec&, const Recipe&);
  Feature (*read)(const PatientRecord&, const ModalitySpec&, const Layout&, const Recipe&, Facts&, Pictures&);
  std::vector<fs::path> (*files)(const PatientRecord&, const ModalitySpec&);
  std::string (*rows)(const PatientRecord&);  // what the tables say that decides a feature beside its files
  Json (*settings)(const ModalitySpec&);
};

std::optional<Layout> bag_layout(const Cohort& cohort, const ModalitySpec& modality, const Recipe& recipe) {
  return pathology::layout_of(cohort.patients, *recipe.encoders.at(modality.name));
}

Feature read_bag(const PatientRecord& patient, const ModalitySpec& modality, const Layout& layout, const Recipe& recipe, Facts& facts, Pictures& pictures) {
  return pathology::read_bag(patient, modality, layout, *recipe.encoders.at(modality.name), facts, pictures);
}

std::vector<fs::path> image_files(const PatientRecord& patient, const ModalitySpec& modality) {
  std::vector<fs::path> files;
  for (const ImagingRow& image : patient.imaging)
    if (image.timing == modality.timing) {
      files.push_back(image.path);
      if (!image.mask.empty()) files.push_back(image.mask);
    }
  return files;
}

std::vector<fs::path> slide_files(const PatientRecord& patient, const ModalitySpec&) {
  std::vector<fs::path> files;
  for (const SlideRow& slide : patient.slides) {
    for (fs::path& file : pathology::files_of_slide(slide.path)) files.push_back(std::move(file));
    if (!slide.mask.empty()) files.push_back(slide.mask);
  }
  return files;
}

std::vector<fs::path> report_files(const PatientRecord& patient, const ModalitySpec&) {
  std::vector<fs::path> files;
  for (const ReportRow& report : patient.reports)
    if (!report.path.empty()) files.push_back(report.path);
  return files;
}

std::string image_rows(const PatientRecord& patient) {
  std::string text;
  for (const ImagingRow& image : patient.imaging) text += image.timing + "|" + image.phase + "\n";
  if (patient.surgery_date) text += "surgery " + std::to_string(*patient.surgery_date) + "\n";
  return text;
}

std::string slide_rows(const PatientRecord& patient) {
  std::string text;
  for (const SlideRow& slide : patient.slides) text += slide.stain + "|" + (slide.um_per_pixel ? std::to_string(*slide.um_per_pixel) : "") + "\n";
  return text;
}

std::string report_rows(const PatientRecord& patient) {
  std::string text;
  for (const ReportRow& report : patient.reports) text += report.language + "|" + report.text + "\n";
  return text;
}

const std::array<Extractor, 3> kExtractors{{
    {Kind::volume, 3, [](const Cohort&, const ModalitySpec& m, const Recipe&) { return std::optional(imaging::layout_of(m)); },
     [](const PatientRecord& p, const ModalitySpec& m, const Layout&, const Recipe&, Facts& facts, Pictures& pictures) {
       return imaging::read_volume(p, m, facts, pictures);
     },
     &image_files, &image_rows,
     [](const ModalitySpec& m) {
       return Json{{"timing", m.timing}, {"phases", m.phases}, {"grid", m.grid}, {"spacing_mm", m.spacing_mm}};
     }},
    {Kind::bag, 2, &bag_layout, &read_bag, &slide_files, &slide_rows,
     [](const ModalitySpec& m) {
       return Json{{"um_per_pixel", m.um_per_pixel},
                   {"tile", m.tile},
                   {"encoder", m.encoder},
                   {"tiling", m.tiling == Tiling::um ? "um" : "clam"},
                   {"resample", m.resample == Resample::area ? "area" : "dct"}};
     }},
    {Kind::sequence, 2, [](const Cohort&, const ModalitySpec& m, const Recipe&) { return std::optional(reports::layout_of(m)); },
     [](const PatientRecord& p, const ModalitySpec& m, const Layout&, const Recipe&, Facts& facts, Pictures&) { return reports::read_sequence(p, m, facts); },
     &report_files, &report_rows, [](const ModalitySpec&) { return Json::object(); }},
}};

const Extractor* extractor_of(Kind kind) {
  for (const Extractor& extractor : kExtractors)
    if (extractor.kind == kind) return &extractor;
  return nullptr;  // vectors: their values are table cells
}

Fact known_fact(std::string text) { return {Fact::State::known, std::move(text), "extraction", 1}; }

// What a part is besides its settings: a change makes it one of another shape or meaning.
std::string shape_text(const Layout& layout, int version) {
  return Json{version, name_of(layout.type), layout.item, layout.unit, layout.meaning}.dump() + "\n";
}

void add_previews(const Pictures& pictures, const std::string& modality, Extracted& out) {
  for (const Picture& picture : pictures) {
    std::string jpeg = pathology::jpeg_of(picture);
    out.previews.push_back({store::preview_file(store::preview_stem(out.features.key, modality, picture.name), jpeg), std::move(jpeg)});
  }
}

}  // namespace

Json Recipe::settings() const {
  Json out = Json::object();
  for (std::size_t m = 0; m < specs.size(); ++m) {
    out[specs[m].name] = extractor_of(specs[m].kind)->settings(specs[m]);
    out[specs[m].name]["kind"] = std::string(name_of(specs[m].kind));
    if (const auto encoder = encoders.find(specs[m].name); encoder != encoders.end()) out[specs[m].name]["encoder_identity"] = encoder->second->identity();
    Json facts = Json::array();
    for (const imaging::RegionRequest& region : regions)
      if (region.modality.name == specs[m].name)
        for (const auto& [fact, tag] : region.facts) facts.push_back(fact);
    if (!facts.empty()) out[specs[m].name]["radiomics"] = Json{{"settings", text_of(radiomics)}, {"facts", facts}};
  }
  return out;
}

Recipe recipe_of(const Cohort& cohort, const pathology::EncoderFactory& encoder) {
  Recipe recipe;
  recipe.regions = imaging::region_requests(cohort.spec);
  recipe.radiomics = cohort.spec.radiomics;
  for (const ModalitySpec& modality : cohort.spec.modalities) {
    const Extractor* extractor = extractor_of(modality.kind);
    if (extractor == nullptr) continue;
    if (modality.kind == Kind::bag) recipe.encoders[modality.name] = encoder(modality);
    const std::optional<Layout> layout = extractor->layout(cohort, modality, recipe);
    if (!layout) {
      recipe.unreadable.push_back(modality);
      continue;
    }
    recipe.specs.push_back(modality);
    recipe.modalities.push_back({modality.name, *layout, modality.known, {}});
  }
  return recipe;
}

Extracted extract(const PatientRecord& patient, const Recipe& recipe) {
  Extracted out;
  out.features.key = patient.key;
  for (std::size_t m = 0; m < recipe.specs.size(); ++m) {
    const ModalitySpec& modality = recipe.specs[m];
    Pictures pictures;
    Feature feature = extractor_of(modality.kind)->read(patient, modality, recipe.modalities[m].layout, recipe, out.features.facts, pictures);
    if (!feature.present()) {
      feature.items = 0;
      feature.values.clear();
      feature.coords.clear();
    }
    const bool failed = !feature.present() && feature.reason != Reason::not_recorded;
    const bool whole = modality.kind == Kind::volume && std::find(feature.phase_present.begin(), feature.phase_present.end(), 0) == feature.phase_present.end();
    if (failed || (feature.present() && !feature.detail.empty()))
      out.failures.push_back({patient.key, modality.name, feature.detail, failed ? std::string(name_of(feature.reason)) : whole ? Failure::kChosen : "partly_left_out"});
    out.features.facts[modality.name + ".readable"] = known_fact(feature.present() ? "true" : "false");
    out.features.facts[modality.name + ".items"] = known_fact(std::to_string(feature.items));
    if (modality.kind == Kind::bag) {
      std::int32_t slides = 0;
      for (const auto& coord : feature.coords) slides = std::max(slides, coord[0] + 1);
      out.features.facts[modality.name + ".count"] = known_fact(std::to_string(slides));
    }
    add_previews(pictures, modality.name, out);
    out.features.features.push_back(std::move(feature));
  }
  for (const imaging::RegionRequest& region : recipe.regions) {
    const imaging::RegionProblem problem = imaging::add_region_facts(patient, region, recipe.radiomics, out.features.facts);
    if (problem.reason == Reason::present) continue;
    const std::string name = (region.change ? "change." : "radiomics.") + region.modality.name + "." + region.phase + "." + region.mask;
    out.failures.push_back({patient.key, name, problem.detail, std::string(name_of(problem.reason))});
  }
  // Not stored, for nobody's can be read, but counted for everyone who should have it (law 4).
  for (const ModalitySpec& modality : recipe.unreadable) {
    Facts unused;
    Pictures pictures;
    const Layout layout{modality.kind, DType::float16, {0}, "", ""};
    const Feature feature = extractor_of(modality.kind)->read(patient, modality, layout, recipe, unused, pictures);
    add_previews(pictures, modality.name, out);
    if (feature.reason != Reason::not_recorded)
      out.failures.push_back({patient.key, modality.name, feature.detail, std::string(name_of(feature.present() ? Reason::unreadable : feature.reason))});
    out.features.facts[modality.name + ".readable"] = known_fact("false");
  }
  return out;
}

namespace {

// A file's name, size and time; of a folder (a DICOM series) those of the files in it.
std::string state_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return path.filename().string() + "|absent\n";
  std::string text = path.filename().string() + "|" + std::to_string(status.st_size) + "|" + std::to_string(status.st_mtim.tv_sec) + "." +
                     std::to_string(status.st_mtim.tv_nsec) + "\n";
  if (!S_ISDIR(status.st_mode)) return text;
  std::vector<std::string> inside;
  std::error_code failed;
  fs::recursive_directory_iterator file(path, failed);
  for (const fs::recursive_directory_iterator end; !failed && file != end; file.increment(failed))
    if (std::error_code odd; file->is_regular_file(odd)) {
      struct stat one {};
      if (::stat(file->path().c_str(), &one) != 0) continue;
      inside.push_back(fs::relative(file->path(), path).string() + "|" + std::to_string(one.st_size) + "|" + std::to_string(one.st_mtim.tv_sec) + "." +
                       std::to_string(one.st_mtim.tv_nsec) + "\n");
    }
  std::sort(inside.begin(), inside.end());
  for (const std::string& line : inside) text += line;
  // The reader counts a folder that cannot be listed as a failure; once it can be listed, it is read again.
  if (failed) text += "not listed to its end: " + failed.message() + "\n";
  return text;
}

std::int64_t bytes_under(const fs::path& path) {
  std::error_code failed;
  if (fs::is_regular_file(path, failed)) return static_cast<std::int64_t>(fs::file_size(path, failed));
  std::int64_t bytes = 0;
  fs::recursive_directory_iterator file(path, failed);  // a folder that cannot be listed is quickly read
  for (const fs::recursive_directory_iterator end; !failed && file != end; file.increment(failed))
    if (std::error_code odd; file->is_regular_file(odd))
      if (const std::uintmax_t size = file->file_size(odd); !odd) bytes += static_cast<std::int64_t>(size);
  return bytes;
}

}  // namespace

std::string fingerprint(const PatientRecord& patient, const Recipe& recipe) {
  std::string text = recipe.settings().dump() + "\n";
  for (std::size_t m = 0; m < recipe.specs.size(); ++m) {
    const ModalitySpec& modality = recipe.specs[m];
    text += shape_text(recipe.modalities[m].layout, extractor_of(modality.kind)->version);
    text += extractor_of(modality.kind)->rows(patient);
    for (const fs::path& file : extractor_of(modality.kind)->files(patient, modality)) text += state_of(file);
  }
  for (const ModalitySpec& modality : recipe.unreadable)
    for (const fs::path& file : extractor_of(modality.kind)->files(patient, modality)) text += state_of(file);
  for (const imaging::RegionRequest& region : recipe.regions) {
    text += text_of(recipe.radiomics) + "|" + region.modality.timing + "\n";
    for (const auto& [fact, tag] : region.facts) text += fact + "\n";
    for (const ImagingRow& row : patient.imaging) {
      text += row.timing + "|" + row.phase + "|" + (row.study_day ? std::to_string(*row.study_day) : "") + "\n" + state_of(row.path);
      if (!row.mask.empty()) text += state_of(row.mask);
    }
  }
  return sha256(text).substr(0, 32);
}

// Of volumes exactly; a tile of a slide takes about 30 kB of its file, and a letter a word in four bytes.
std::int64_t predicted_feature_bytes(const PatientRecord& patient, const Recipe& recipe) {
  constexpr std::int64_t kFileBytesOfTile = 30000, kBytesOfCoordinates = 12;
  std::int64_t bytes = 0;
  for (std::size_t m = 0; m < recipe.specs.size(); ++m) {
    const std::int64_t item = 2 * recipe.modalities[m].layout.values_per_item();
    std::int64_t files = 0;
    bool imported = false;
    for (const fs::path& file : extractor_of(recipe.specs[m].kind)->files(patient, recipe.specs[m])) {
      files += bytes_under(file);
      imported = imported || file.extension() == ".h5";
    }
    if (files == 0) continue;
    if (recipe.specs[m].kind == Kind::volume) bytes += item;
    if (recipe.specs[m].kind == Kind::bag) bytes += imported ? files : files / kFileBytesOfTile * (item + kBytesOfCoordinates);
    if (recipe.specs[m].kind == Kind::sequence) bytes += files;
  }
  return bytes;
}

std::int64_t source_bytes(const PatientRecord& patient, const Recipe& recipe) {
  std::int64_t bytes = 0;
  for (const ModalitySpec& modality : recipe.specs)
    for (const fs::path& file : extractor_of(modality.kind)->files(patient, modality)) bytes += bytes_under(file);
  return bytes;
}

}  // namespace hepar::extract
