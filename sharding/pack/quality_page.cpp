// SPDX-License-Identifier: Apache-2.0
// quality.html: who entered, what failed where, every slide and every phase that asks for a look.
#include "data/base/files.hpp"
#include "data/base/page.hpp"
#include "data/base/text.hpp"
#include "data/cohort/flow_page.hpp"
#include "sharding/pack/quality.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace hepar::pack {

namespace {

constexpr std::size_t kShown = 240;  // of slides, and of volumes: a page that opens on any machine

std::string counted(std::int64_t n) { return n == 0 ? "<span class=\"muted\">0</span>" : std::to_string(n); }

// What there is of each modality and why it is not, by centre.
std::string failures_section(const QualitySource& source) {
  std::map<std::string, std::map<std::string, std::int64_t>> counts;  // "modality: reason" -> centre
  std::set<std::string> centres;
  for (const PatientRecord& patient : source.cohort.patients) {
    const Holding& holding = source.holdings.at(patient.key);
    centres.insert(patient.centre);
    for (std::size_t m = 0; m < source.recipe.modalities.size(); ++m)
      ++counts[source.recipe.modalities[m].name + (holding.items[m] > 0 ? ": present" : ": absent")][patient.centre];
    for (const extract::Failure& failure : holding.failures) ++counts[failure.modality + ": " + failure.reason][patient.centre];
  }
  std::vector<std::string> header{"modality: reason", "all"};
  for (const std::string& centre : centres) header.push_back(escaped(centre));
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, by_centre] : counts) {
    std::int64_t total = 0;
    for (const auto& [centre, n] : by_centre) total += n;
    rows.push_back({escaped(name), counted(total)});
    for (const std::string& centre : centres) rows.back().push_back(counted(by_centre.contains(centre) ? by_centre.at(centre) : 0));
  }
  return section("failures", "What could be read",
                 table(header, rows, Narrow::sliding) + "<p class=\"muted\">Patients; each failure with its cause stands in failures.csv.</p>");
}

std::string picture_html(const store::Names& names, const QualityRow& row, const std::string& what) {
  if (row.preview.empty()) return "";
  return "<img loading=\"lazy\" alt=\"" + escaped(what) + "\" src=\"data:image/jpeg;base64," + base64(read_file(names.preview(row.preview))) + "\">";
}

// "0.0312345" -> "0.0312"; what is no number stays.
std::string shortened(const QualityRow& row, const char* column) {
  const auto found = row.values.find(column);
  if (found == row.values.end()) return "<span class=\"muted\">–</span>";
  const std::optional<double> value = parse_number(found->second);
  return value ? fmt::format("{:.3g}", *value) : escaped(found->second);
}

std::string attention_html(const QualityRow& row) { return row.attention.empty() ? "" : "<span class=\"bad\">" + escaped(row.attention) + "</span>"; }

// Rows of a kind, those that ask for attention first, otherwise in their order.
std::vector<const QualityRow*> rows_of(const std::vector<QualityRow>& rows, Kind kind) {
  std::vector<const QualityRow*> found;
  for (const QualityRow& row : rows)
    if (row.kind == kind) found.push_back(&row);
  std::stable_partition(found.begin(), found.end(), [](const QualityRow* row) { return !row->attention.empty(); });
  return found;
}

std::string how_many(std::size_t all, std::size_t shown, std::int64_t attention, const char* what) {
  std::string text = fmt::format("<p><b>{}</b> {}; <b>{}</b> ask for a look and come first", all, what, attention);
  return text + (shown < all ? fmt::format("; {} are shown, all stand in quality.csv and preview/", shown) : std::string()) + ".</p>";
}

std::string slides_section(const std::vector<QualityRow>& rows, const store::Names& names) {
  const std::vector<const QualityRow*> slides = rows_of(rows, Kind::bag);
  if (slides.empty()) return "";
  const auto attention = std::count_if(slides.begin(), slides.end(), [](const QualityRow* row) { return !row->attention.empty(); });
  const std::size_t shown = std::min(slides.size(), kShown);
  std::vector<std::vector<std::string>> cells;
  for (std::size_t i = 0; i < shown; ++i) {
    const QualityRow& row = *slides[i];
    const std::string what = row.patient + ", slide " + row.item;
    cells.push_back({"<span class=\"whole\">" + escaped(what) + "</span><br><span class=\"muted\">" + escaped(row.centre) + "<br>" + escaped(row.values.at("source")) + "</span><br>" + attention_html(row), picture_html(names, row, what)});
    for (const char* column : {"tissue_mm2", "tiles", "blur", "pen", "fold", "fading", "background", "corrupt_mm2", "stain_angle"})
      cells.back().push_back(shortened(row, column));
    cells.back().push_back(shortened(row, "um_per_pixel") + "<br><span class=\"muted\">" + shortened(row, "um_per_pixel_source") + "</span>");
  }
  return section("slides", "Slides",
                 how_many(slides.size(), shown, attention, "slides") +
                     table({"slide", "", "tissue mm²", "tiles", "blur", "pen", "fold", "fading", "background", "damaged mm²", "stain angle", "µm/px"},
                           cells, Narrow::sliding) +
                     "<p class=\"muted\">Tissue is outlined green, felt pen blue, what cannot be decoded red. Blur: share of tiles out of focus; pen: share of "
                     "the scan; fold and "
                     "fading: shares of tissue; stain angle: degrees between the two stain colours. Imported tile features have no pixels to judge: of them the number of "
                     "tiles is known and, where their file says it, the resolution.</p>");
}

// A volume is one figure: its phases are rows of one picture.
std::string images_section(const std::vector<QualityRow>& rows, const store::Names& names) {
  struct Volume {
    std::vector<const QualityRow*> phases;
    bool attention = false;
  };
  std::vector<Volume> volumes;
  for (const QualityRow& row : rows) {
    if (row.kind != Kind::volume) continue;
    if (volumes.empty() || volumes.back().phases.front()->patient != row.patient || volumes.back().phases.front()->modality != row.modality)
      volumes.emplace_back();
    volumes.back().phases.push_back(&row);
    volumes.back().attention = volumes.back().attention || !row.attention.empty();
  }
  if (volumes.empty()) return "";
  std::stable_partition(volumes.begin(), volumes.end(), [](const Volume& one) { return one.attention; });
  const auto attention = std::count_if(volumes.begin(), volumes.end(), [](const Volume& one) { return one.attention; });
  const std::size_t shown = std::min(volumes.size(), kShown);
  std::string figures;
  for (std::size_t i = 0; i < shown; ++i) {
    const QualityRow& first = *volumes[i].phases.front();
    figures += "<figure>" + picture_html(names, first, first.patient + ", " + first.modality) + "<figcaption><b>" + escaped(first.patient) + "</b> " +
               escaped(first.centre) + ", " + escaped(first.modality);
    for (const QualityRow* phase : volumes[i].phases) {
      const auto told = [&](const char* column) { return phase->values.contains(column) ? escaped(phase->values.at(column)) : std::string(); };
      figures += "<br>" + escaped(phase->item) + ": " +
                 (phase->values.contains("rule") ? told("slices") + " slices, " + told("spacing_mm") + " mm, " + told("rule") : std::string("none")) +
                 (phase->values.contains("mask_ml") ? ", mask " + told("mask_ml") + " mL" : std::string()) + " " + attention_html(*phase);
    }
    figures += "</figcaption></figure>";
  }
  return section("images", "Images",
                 how_many(volumes.size(), shown, attention, "volumes") + "<div class=\"thumbs\">" + figures +
                     "</div><p class=\"muted\">A column a phase, in the order of the captions: axial above coronal, through the middle of what is kept (yellow "
                     "frame); the mask is outlined "
                     "orange. A crossed column: no image of that phase.</p>");
}

}  // namespace

std::string quality_html(const QualitySource& source, const std::vector<QualityRow>& rows, const std::string& flow, const store::Names& names) {
  PageFrame frame;
  frame.title = "Hepar: what was read";
  frame.lead = fmt::format("{} patients of {}. Study keys only; labels and file names have no part in this page.", source.cohort.patients.size(),
                           source.cohort.centres().size() == 1 ? "one centre" : std::to_string(source.cohort.centres().size()) + " centres");
  frame.notice = "research use only";
  const auto put = [&](const char* id, const char* words, const std::string& html) {
    if (html.empty()) return;
    frame.navigation.emplace_back(id, words);
    frame.body += html;
  };
  put("flow", "Cohort", section("flow", "Who entered", flow_html(nlohmann::ordered_json::parse(flow))));
  put("failures", "Failures", failures_section(source));
  put("slides", "Slides", slides_section(rows, names));
  put("images", "Images", images_section(rows, names));
  return html_of(frame);
}

}  // namespace hepar::pack
