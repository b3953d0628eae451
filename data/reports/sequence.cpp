// SPDX-License-Identifier: Apache-2.0
#include "data/reports/sequence.hpp"

#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "data/cohort/file_state.hpp"
#include "data/reports/attributes.hpp"
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
  if (const FileState file = file_state(row.path); file.reason != Reason::present) return {std::nullopt, file.reason, file.detail};
  try {
    const std::optional<Decoded> decoded = decode_text(read_file(row.path));
    if (!decoded) return {std::nullopt, Reason::unreadable, "neither UTF-8, UTF-16 nor GB18030 text"};
    return {decoded->text, Reason::present, {}};
  } catch (const Error&) {
    return {std::nullopt, Reason::unreadable, "cannot be read"};
  }
}

// What the text states as facts; a second report that says otherwise is a conflict, for nothing tells which one holds.
void add_attributes(const std::string& text, const std::string& modality, Facts& facts) {
  for (const Attribute& attribute : attributes_of(text)) {
    const Fact::State state = attribute.value == "conflict"    ? Fact::State::conflict
                              : attribute.value == "uncertain" ? Fact::State::unknown
                                                               : Fact::State::known;
    const auto [fact, added] = facts.try_emplace(modality + "." + attribute.name, Fact{state, attribute.value, attribute.rule, attribute.confidence});
    if (!added && fact->second.text != attribute.value) fact->second = {Fact::State::conflict, "conflict", attribute.rule, attribute.confidence};
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
  std::string all;
  for (std::size_t i = 0; i < patient.reports.size(); ++i) {
    const ReadText read = text_of(patient.reports[i]);
    if (!read.text) {
      feature.detail += (feature.detail.empty() ? "" : "; ") + std::string("report ") + std::to_string(i + 1) + ": " + read.detail;
      if (feature.reason == Reason::not_recorded) feature.reason = read.reason;
      continue;
    }
    const std::vector<std::int32_t> more = tokens_of(*read.text);
    ids.insert(ids.end(), more.begin(), more.end());
    add_attributes(*read.text, modality.name, facts);
    all += *read.text;
  }
  if (ids.empty()) {
    if (!patient.reports.empty() && feature.reason == Reason::not_recorded) {
      feature.reason = Reason::too_few;
      feature.detail = "no words";
    }
    return feature;
  }
  facts[modality.name + ".language"] = {Fact::State::known, language_of(all), "script", 1};
  feature.reason = Reason::present;
  feature.items = static_cast<std::int64_t>(ids.size());
  feature.values.resize(ids.size() * sizeof(std::int32_t));
  std::memcpy(feature.values.data(), ids.data(), feature.values.size());
  return feature;
}

}  // namespace hepar::reports
