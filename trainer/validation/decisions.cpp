// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/decisions.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "trainer/statistics/discrete.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace hepar::validation {

namespace {

constexpr double kLimit90 = 1.6448536269514722;  // of a two-sided 90 % interval
constexpr double kEvery = 3;                     // months between the points of a curve that is integrated

std::string resolved_endpoint(const std::string& asked, const std::vector<EndpointSpec>& endpoints) {
  std::vector<std::string> names;
  for (const EndpointSpec& endpoint : endpoints) names.push_back(endpoint.name);
  if (asked != "auto") {
    if (std::find(names.begin(), names.end(), asked) == names.end())
      throw usage_error("decision.endpoint: there is no endpoint '" + asked + "'", {}, name_advice(asked, names));
    return asked;
  }
  for (const EndpointSpec& endpoint : endpoints)
    if (endpoint.recurrence_is_event && endpoint.death_is_event) return endpoint.name;
  return names.empty() ? std::string() : names.front();
}

// "tace=0.5" a strategy that costs something.
std::vector<double> toxicity_of(const std::vector<std::string>& texts, const std::vector<Strategy>& strategies) {
  std::vector<std::string> arms;
  for (const Strategy& strategy : strategies) arms.push_back(strategy.name);
  std::vector<double> months(arms.size(), 0.0);
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = split(text, '=');
    const std::optional<double> value = parts.size() == 2 ? parse_number(parts[1]) : std::nullopt;
    if (!value || *value < 0) throw usage_error("decision.toxicity_months: '" + text + "' is not arm=months", {}, "write tace=0.5");
    const auto found = std::find(arms.begin(), arms.end(), std::string(trim(parts[0])));
    if (found == arms.end()) throw usage_error("decision.toxicity_months: there is no strategy '" + parts[0] + "'", {}, name_advice(parts[0], arms));
    months[static_cast<std::size_t>(found - arms.begin())] = *value;
  }
  return months;
}

}  // namespace

DecisionRule::DecisionRule(const engine::DecisionConfig& config, const std::vector<Strategy>& arms, const std::vector<EndpointSpec>& endpoints,
                           const std::vector<std::string>& modalities)
    : config_(config),
      arms_(arms),
      endpoint_(resolved_endpoint(config.endpoint, endpoints)),
      months_(config.months),
      toxicity_(toxicity_of(config.toxicity_months, arms)) {
  while (endpoints.at(endpoint_index_).name != endpoint_) ++endpoint_index_;
  months_ = std::min(months_, endpoints[endpoint_index_].horizon_months);
  for (const std::string& modality : config.required)
    if (std::find(modalities.begin(), modalities.end(), modality) == modalities.end())
      throw usage_error("decision.required: '" + modality + "' does not enter the model", {}, name_advice(modality, modalities));
  for (double month = kEvery; month < months_ - 1e-9; month += kEvery) grid_.push_back(month);
  grid_.push_back(months_);
}

Decision DecisionRule::of(const Patient& patient) const {
  Decision decision;
  std::vector<double> cuts{0};
  cuts.insert(cuts.end(), grid_.begin(), grid_.end());
  const double untreated = arms_[0].not_estimable.empty() ? statistics::curve_area(cuts, patient.survival, months_) : std::nan("");
  for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
    const auto& [log_ratio, se] = patient.effects[arm];
    const auto gained = [&](double shift) { return statistics::months_gained(cuts, patient.survival, log_ratio + shift * kLimit90 * se); };
    const double gain = std::isfinite(log_ratio) ? gained(0) : std::nan(""), cost = toxicity_[arm] - toxicity_[0];
    const double low = std::isfinite(se) ? gained(1) : std::nan("");  // a larger ratio is a smaller gain
    decision.months.push_back(untreated + gain);
    decision.gain.push_back(gain - cost);
    decision.low.push_back(low - cost);
    decision.high.push_back((std::isfinite(se) ? gained(-1) : std::nan("")) - cost);
    decision.sensitive.push_back(arm > 0 && low > config_.sensitive_gain);
    if (decision.gain[arm] > decision.gain[static_cast<std::size_t>(decision.recommended)]) decision.recommended = static_cast<int>(arm);
  }
  const std::vector<double>& propensity = patient.propensity;
  decision.propensity = propensity;
  if (!std::isfinite(decision.months[0])) decision.abstained.emplace_back("first_arm_not_estimable");
  if (decision.gain[static_cast<std::size_t>(decision.recommended)] < config_.small_gain) {
    decision.small_gain = decision.recommended != 0;
    decision.recommended = 0;
  }
  if (!propensity.empty() && propensity[static_cast<std::size_t>(decision.recommended)] < config_.min_propensity)
    decision.abstained.emplace_back("low_support");
  for (const std::string& modality : patient.missing) decision.abstained.push_back("missing_" + modality);
  return decision;
}

std::string DecisionRule::json() const {
  std::vector<std::string> arms;
  for (const Strategy& strategy : arms_) arms.push_back(strategy.name);
  return nlohmann::ordered_json{{"endpoint", endpoint_},
                                {"months", months_},
                                {"small_gain", config_.small_gain},
                                {"min_propensity", config_.min_propensity},
                                {"sensitive_gain", config_.sensitive_gain},
                                {"toxicity_months", toxicity_},
                                {"required", config_.required},
                                {"arms", arms}}
      .dump();
}

std::vector<double> with_months(const std::vector<double>& months, const std::vector<double>& more) {
  std::set<double> all(months.begin(), months.end());
  all.insert(more.begin(), more.end());
  return {all.begin(), all.end()};
}

std::vector<double> DecisionRule::curve_of(const Prediction& prediction, const std::vector<double>& months) const {
  std::vector<double> curve;
  for (const double month : grid_)
    curve.push_back(
        prediction.survival.at(0).at(endpoint_index_).at(static_cast<std::size_t>(std::lower_bound(months.begin(), months.end(), month) - months.begin())));
  return curve;
}

RelativeEffects effects_for(const engine::Experiment& experiment, const store::Store& store, const std::vector<std::int64_t>& patients) {
  const engine::Selection selection = engine::select(experiment, store);
  std::vector<EndpointSpec> endpoints;
  for (const EndpointSpec& endpoint : store.endpoints())
    if (std::find(selection.endpoints.begin(), selection.endpoints.end(), endpoint.name) != selection.endpoints.end()) endpoints.push_back(endpoint);
  return RelativeEffects::fit(store, selection.columns, patients, resolved_endpoint(experiment.decision.endpoint, endpoints), experiment.decision.months);
}

std::vector<std::string> missing_modalities(const store::Store& store, std::int64_t patient, const std::vector<std::string>& required) {
  std::vector<std::string> missing;
  for (const std::string& name : required)
    if (const int modality = store.modality(name); modality < 0 || store.items(modality, patient) == 0) missing.push_back(name);
  return missing;
}

DecisionsCsv::DecisionsCsv(const std::vector<std::string>& arms) : arms_(arms) {
  std::vector<std::string> header{"patient_id", "centre", "fold", "recommended", "small_gain", "abstained", "sensitive"};
  for (const char* what : {"months_", "gain_", "gain_low_", "gain_high_", "propensity_"})
    for (const std::string& arm : arms_) header.push_back(what + arm);
  text_ = csv_line(header);
}

void DecisionsCsv::add(const store::PatientRow& row, const std::string& fold, const Decision& decision) {
  std::vector<std::string> sensitive;
  for (std::size_t arm = 0; arm < arms_.size(); ++arm)
    if (decision.sensitive[arm]) sensitive.push_back(arms_[arm]);
  std::vector<std::string> fields{row.id,
                                  row.centre,
                                  fold,
                                  arms_.at(static_cast<std::size_t>(decision.recommended)),
                                  decision.small_gain ? "1" : "0",
                                  join(decision.abstained, ";"),
                                  join(sensitive, ";")};
  for (const std::vector<double>* values : {&decision.months, &decision.gain, &decision.low, &decision.high, &decision.propensity})
    for (const double value : *values) fields.push_back(number_text(value));
  text_ += csv_line(fields);
}

}  // namespace hepar::validation
