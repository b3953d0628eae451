// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_image.hpp"

#include "data/imaging/image.hpp"

#include <cmath>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json series_json(const imaging::Series& series, const imaging::Measured& measured) {
  Json spacing = Json::array();
  for (const double mm : series.spacing_mm) spacing.push_back(number_or_null(mm));
  const auto value = [&](std::size_t i) { return measured.values ? number_or_null((*measured.values)[i]) : Json(nullptr); };
  return {
      {"modality", text_or_null(series.modality)},
      {"phase", text_or_null(series.phase)},
      {"phase_rule", text_or_null(series.phase_rule)},
      {"size", series.size},
      {"spacing_mm", spacing},
      {"direction", series.direction},
      {"frames", series.frames},
      {"transfer_syntax", text_or_null(series.transfer_syntax)},
      {"hu_min", value(0)},
      {"hu_max", value(1)},
      {"hu_mean", value(2)},
      {"usable", series.reason == Reason::present && measured.problem.empty() && measured.doubt.empty()},
      {"reason", series.reason != Reason::present ? text_or_null(series.detail) : text_or_null(measured.problem.empty() ? measured.doubt : measured.problem)}};
}

}  // namespace

Json image_summary(const std::filesystem::path& path) {
  const imaging::Scan scan = imaging::scan_images(path);
  Json notes = Json::array(), list = Json::array();
  for (const imaging::Note& note : scan.notes) notes.push_back({{"code", note.code}, {"text", note.text}});
  bool readable = false, usable = false;
  std::string reason = scan.detail.empty() && scan.series.empty() ? std::string(name_of(scan.reason)) : scan.detail, unread;
  for (std::size_t i = 0; i < scan.series.size(); ++i) {
    const imaging::Series& series = scan.series[i];
    const imaging::Measured measured = imaging::measure_series(scan, i);
    for (const imaging::Note& note : series.notes)
      notes.push_back({{"code", note.code}, {"text", scan.series.size() > 1 ? "series " + std::to_string(i + 1) + ": " + note.text : note.text}});
    list.push_back(series_json(series, measured));
    readable = readable || measured.frames_read > 0;
    usable = usable || list.back()["usable"].get<bool>();
    if (unread.empty() && measured.frames_read == 0) unread = measured.problem;
    if (reason.empty() && !list.back()["reason"].is_null()) reason = list.back()["reason"].get<std::string>();
  }
  if (!readable && !unread.empty()) reason = unread;
  return {{"readable", readable}, {"usable", usable}, {"reason", usable ? Json(nullptr) : text_or_null(reason)}, {"notes", notes}, {"series", list}};
}

}  // namespace hepar::program
