// SPDX-License-Identifier: Apache-2.0
#include "data/reports/sequence.hpp"

#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "data/reports/lexicon.hpp"
#include "data/reports/tokens.hpp"

#include <cstring>

namespace hepar::reports {

namespace {

struct ReadText {
  std::optional<std::string> text;
  Reason reason = Reason::present;
  std::string detail;
};

ReadText text_of(const ReportRow& row) {
  if (row.path.empty()) return {row.text, Reason::present, {}};
  std::error_code ignored;
  if (!fs::exists(row.path, ignored)) return {std::nullopt, Reason::missing_file, "no such file"};
  try {
    const std::optional<Decoded> decoded = decode_text(read_file(row.path));
    if (!decoded) return {std::nullopt, Reason::unreadable, "neither UTF-8, UTF-16 nor GB18030 text"};
    return {decoded->text, Reason::present, {}};
  } catch (const Error&) {
    return {std::nullopt, Reason::unreadable, "cannot be read"};
  }
}

}  // namespace

std::int64_t lexicon_size() { return static_cast<std::int64_t>(lexicon().size()); }

Layout layout_of(const ModalitySpec&) {
  return {Kind::sequence, DType::int32, {}, "lexicon id", std::string(kLexiconVersion) + ", " + std::to_string(lexicon_size()) + " terms"};
}

Feature read_sequence(const PatientRecord& patient, const ModalitySpec& modality, Facts& facts) {
  Feature feature;
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < patient.reports.size(); ++i) {
    const ReadText read = text_of(patient.reports[i]);
    if (!read.text) {
      feature.detail += (feature.detail.empty() ? "" : "; ") + std::string("report ") + std::to_string(i + 1) + ": " + read.detail;
      if (feature.reason == Reason::not_recorded) feature.reason = read.reason;
      continue;
    }
    const std::vector<std::int32_t> more = tokens_of(*read.text);
    ids.insert(ids.end(), more.begin(), more.end());
    if (!more.empty()) facts[modality.name + ".language"] = {Fact::State::known, language_of(*read.text), "script", 1};
  }
  if (ids.empty()) {
    if (!patient.reports.empty() && feature.reason == Reason::not_recorded) {
      feature.reason = Reason::too_few;
      feature.detail = "no words";
    }
    return feature;
  }
  feature.reason = Reason::present;
  feature.items = static_cast<std::int64_t>(ids.size());
  feature.values.resize(ids.size() * sizeof(std::int32_t));
  std::memcpy(feature.values.data(), ids.data(), feature.values.size());
  return feature;
}

}  // namespace hepar::reports
