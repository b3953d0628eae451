// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/availability.hpp"

#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hepar {

double prediction_day(std::string_view predict_at) {
  static constexpr std::array<std::pair<std::string_view, double>, 2> kTimes{
      {{"pre_op", KnownAt::kPreOp}, {"post_op", KnownAt::kPostOp}}};
  std::vector<std::string> names;
  for (const auto& [name, day] : kTimes) {
    if (name == predict_at) return day;
    names.emplace_back(name);
  }
  throw usage_error("'predict_at' is '" + std::string(predict_at) + "'", {}, name_advice(predict_at, names));
}

bool known_by(const KnownAt& known, std::string_view predict_at) { return known.day <= prediction_day(predict_at); }

bool known_by(const ColumnSpec& column, std::string_view predict_at) { return known_by(column.known, predict_at); }

bool known_by(const CohortSpec& spec, const ModalitySpec& modality, std::string_view predict_at) {
  if (modality.kind != Kind::vector) return known_by(modality.known, predict_at);
  return std::any_of(modality.columns.begin(), modality.columns.end(), [&](const std::string& name) {
    const ColumnSpec* column = spec.column(name);
    return column != nullptr && known_by(*column, predict_at);
  });
}

bool known_by(const CohortSpec& spec, std::string_view name, std::string_view predict_at) {
  if (const ModalitySpec* modality = spec.modality(name)) return known_by(spec, *modality, predict_at);
  if (const ColumnSpec* column = spec.column(name)) return known_by(*column, predict_at);
  std::vector<std::string> names;
  for (const ModalitySpec& modality : spec.modalities) names.push_back(modality.name);
  for (const ColumnSpec& column : spec.columns) names.push_back(column.name);
  throw usage_error("no modality and no column is called '" + std::string(name) + "'", {spec.path.string()},
                    name_advice(name, names));
}

std::string known_too_late(const KnownAt& known, std::string_view predict_at) {
  return "is known " + known.text() + ", and predict_at is " + std::string(predict_at);
}

}  // namespace hepar
