// SPDX-License-Identifier: Apache-2.0
// The results in a few lines for the terminal.
#include "trainer/validation/results.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

// Of a pool whose folds agree more than chance would have them.
bool normal_is_wider(const Json& e) {
  const auto number = [&](const char* key) { return e.contains(key) && e.at(key).is_number() ? e.at(key).get<double>() : std::nan(""); };
  return number("normal_low") < number("low");
}

std::string interval_text(const Json& estimates, const std::string& name) {
  if (!estimates.contains(name)) return "-";
  const Json& e = estimates.at(name);
  if (e.contains("not_estimable")) return "not estimable: " + e.at("not_estimable").get<std::string>();
  const auto number = [&](const char* key) { return e.at(key).is_number() ? fmt::format("{:.3f}", e.at(key).get<double>()) : std::string("-"); };
  std::string text = fmt::format("{} ({} to {}", number("value"), number("low"), number("high"));
  if (e.contains("k")) text += fmt::format("; k = {}", e.at("k").get<std::int64_t>());
  if (normal_is_wider(e)) text += fmt::format(", normal interval {} to {}", number("normal_low"), number("normal_high"));
  return text + ")";
}

// Columns as wide as their widest cell.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> width(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) text += c + 1 == row.size() ? row[c] + "\n" : fmt::format("{:<{}}  ", row[c], width[c]);
  return text;
}

// A line for each endpoint of which some fold's risks are as the network gave them.
std::string recalibration_text(const std::vector<FoldResult>& all) {
  std::map<std::string, std::vector<std::string>> without;
  for (const FoldResult& fold : all)
    for (const auto& [endpoint, map] : fold.calibration)
      if (!map.not_recalibrated.empty()) without[endpoint].push_back(fmt::format("{} ({})", fold.record.name, map.not_recalibrated));
  std::string text;
  for (const auto& [endpoint, folds] : without)
    text += fmt::format("{} is not recalibrated in {} of {} folds; fold (of patients set aside): {}\n", endpoint, folds.size(), all.size(), fmt::join(folds, ", "));
  return text;
}

// A line for each arm that some fold could not learn: nobody reads its empty cells as an oversight.
std::string strategies_text(const std::vector<FoldResult>& all) {
  std::map<std::string, std::vector<std::string>> without;
  for (const FoldResult& fold : all)
    for (const Strategy& strategy : fold.strategies)
      if (!strategy.not_estimable.empty()) without[strategy.name].push_back(fmt::format("{} ({})", fold.record.name, strategy.patients));
  std::string text;
  for (const auto& [name, folds] : without)
    text += fmt::format("strategy {} is not estimable in {} of {} folds; fold (training patients who received it): {}\n", name, folds.size(), all.size(), fmt::join(folds, ", "));
  return text;
}

}  // namespace

std::string headline_of(const Json& results, const std::vector<FoldResult>& folds) {
  std::vector<std::vector<std::string>> rows{{"", "Harrell C, pooled", "new centre (prediction)"}};
  for (const auto& [name, baseline] : results.at("baselines").items()) rows.front().push_back("over " + baseline.at("title").get<std::string>());
  const Json& pooled = results.at("pooled");
  bool few = false;
  const auto over_few_folds = [](const Json& estimate) { return estimate.value("k", statistics::kFewFolds) < statistics::kFewFolds; };
  for (const auto& [name, estimate] : pooled.items()) {
    if (!name.ends_with(".harrell_c")) continue;
    few = few || over_few_folds(estimate);
    rows.push_back({name.substr(0, name.find('.')), interval_text(pooled, name), interval_text(pooled, name + "_prediction")});
    for (const auto& [other, baseline] : results.at("baselines").items()) {
      const Json& differences = baseline.at("difference");
      rows.back().push_back(interval_text(differences, name));
      few = few || (differences.contains(name) && over_few_folds(differences.at(name)));
    }
  }
  const std::string warning = few ? fmt::format("intervals over fewer than {} folds (k) are hardly informative: no verdict\n", statistics::kFewFolds) : "";
  return aligned(rows) + warning + recalibration_text(folds) + strategies_text(folds);
}

}  // namespace hepar::validation
