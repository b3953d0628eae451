// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/quality.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace hepar::pack {

namespace {

constexpr std::array kSlideColumns{
    "um_per_pixel", "um_per_pixel_source", "tissue_mm2",    "tiles",       "blur",        "sharpness",         "pen",        "fold",
    "fading",       "background",          "corrupt_tiles", "corrupt_mm2", "stain_angle", "stain_hematoxylin", "stain_eosin"};
constexpr std::array kPhaseColumns{"rule", "spacing_mm", "slices", "series", "mask_ml", "notes"};

// Numbers of a slide that a person should look at; nothing is left out because of them.
struct Limit {
  const char* column;
  bool above;
  double limit;
  const char* words;
};
constexpr std::array<Limit, 8> kLimits{{{"tissue_mm2", false, 1, "little tissue"},
                                        {"blur", true, 0.3, "out of focus"},
                                        {"pen", true, 0.02, "felt pen"},
                                        {"fold", true, 0.1, "folds"},
                                        {"fading", true, 0.3, "faded"},
                                        {"background", false, 200, "dark background"},
                                        {"corrupt_mm2", true, 0, "damaged parts"},
                                        {"stain_angle", false, 10, "one stain"}}};

void add(std::string& text, const std::string& more) { text += (text.empty() ? "" : ", ") + more; }

std::string attention_of(const QualityRow& row) {
  std::string text;
  if (const auto state = row.values.find("state"); state->second != "present") add(text, state->second);
  if (const auto notes = row.values.find("notes"); notes != row.values.end())
    for (const std::string& note : split(notes->second, ';')) add(text, std::string(trim(note.substr(0, note.find(':')))));
  for (const Limit& one : kLimits) {
    const auto found = row.values.find(one.column);
    const std::optional<double> value = found == row.values.end() ? std::nullopt : parse_number(found->second);
    if (value && (one.above ? *value > one.limit : *value < one.limit)) add(text, one.words);
  }
  return text;
}

class Collector {
 public:
  explicit Collector(const QualitySource& source) : source_(source) {}

  void add_patient(const PatientRecord& patient) {
    const auto facts = source_.facts.find(patient.key);
    if (facts == source_.facts.end()) return;
    for (const ModalitySpec& modality : source_.recipe.specs) {
      if (modality.kind == Kind::bag)
        for (std::size_t k = 0; k < patient.slides.size(); ++k)
          add_row(patient, modality, std::to_string(k + 1), std::to_string(k + 1), kSlideColumns, facts->second);
      if (modality.kind == Kind::volume)
        for (const std::string& phase : modality.phases) add_row(patient, modality, phase, "", kPhaseColumns, facts->second);
    }
  }
  std::vector<QualityRow> rows;

 private:
  void add_row(const PatientRecord& patient, const ModalitySpec& modality, const std::string& item, const std::string& picture,
               std::span<const char* const> columns, const Facts& facts) {
    const std::string name = modality.name + "." + item + ".";
    const auto state = facts.find(name + "state");
    if (state == facts.end()) return;  // nothing was there to be read
    QualityRow row{patient.key, patient.centre, modality.name, item, modality.kind, {{"state", state->second.text}, {"source", state->second.source}}, {}, {}};
    for (const char* column : columns)
      if (const auto fact = facts.find(name + column); fact != facts.end()) row.values[column] = fact->second.text;
    const std::string stem = store::preview_stem(patient.key, modality.name, picture);
    const std::vector<std::string>& files = source_.holdings.at(patient.key).previews;
    const auto file = std::find_if(files.begin(), files.end(), [&](const std::string& one) { return store::is_preview_of(one, stem); });
    if (file != files.end()) row.preview = *file;
    row.attention = attention_of(row);
    rows.push_back(std::move(row));
  }
  const QualitySource& source_;
};

}  // namespace

std::vector<QualityRow> quality_rows(const QualitySource& source) {
  Collector collector(source);
  for (const PatientRecord& patient : source.cohort.patients) collector.add_patient(patient);
  return std::move(collector.rows);
}

std::string quality_csv(const std::vector<QualityRow>& rows) {
  std::vector<std::string> columns{"state", "source"};
  columns.insert(columns.end(), kSlideColumns.begin(), kSlideColumns.end());
  columns.insert(columns.end(), kPhaseColumns.begin(), kPhaseColumns.end());
  std::vector<std::string> header{"patient_id", "centre", "modality", "item"};
  header.insert(header.end(), columns.begin(), columns.end());
  header.insert(header.end(), {"attention", "preview"});
  std::string text = csv_line(header);
  for (const QualityRow& row : rows) {
    std::vector<std::string> cells{row.patient, row.centre, row.modality, row.item};
    for (const std::string& column : columns) {
      const auto found = row.values.find(column);
      cells.push_back(found == row.values.end() ? std::string() : found->second);
    }
    cells.insert(cells.end(), {row.attention, row.preview});
    text += csv_line(cells);
  }
  return text;
}

}  // namespace hepar::pack
