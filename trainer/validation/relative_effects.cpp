// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/relative_effects.hpp"

#include "trainer/validation/landmark_patients.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

RelativeEffects RelativeEffects::fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients,
                                     const std::string& endpoint, double months) {
  RelativeEffects made;
  const LandmarkPatients studied = landmark_patients(store, patients, endpoint);
  std::vector<std::int64_t> rows;
  for (const std::size_t i : studied.rows) rows.push_back(patients[i]);
  made.covariates_ = Covariates::fit(store, columns, rows);
  const std::vector<std::vector<double>> x = made.covariates_.values(store, rows);
  const std::vector<statistics::Values> views(x.begin(), x.end());
  const statistics::OutcomeTable cut = statistics::censored_at(studied.outcomes.view(), std::max(0.0, months - studied.landmark));
  made.model_ = statistics::effect_model(cut.view(), studied.given, static_cast<int>(store.strategies().arm_names().size()), views);
  return made;
}

std::vector<std::vector<statistics::EffectModel::LogRatio>> RelativeEffects::of(const store::Store& store, const std::vector<std::int64_t>& patients) const {
  const std::vector<std::vector<double>> x = covariates_.values(store, patients);
  std::vector<std::vector<statistics::EffectModel::LogRatio>> out(patients.size());
  std::vector<double> row(x.size());
  for (std::size_t i = 0; i < patients.size(); ++i) {
    for (std::size_t c = 0; c < x.size(); ++c) row[c] = x[c][i];
    for (std::size_t arm = 0; arm < model_.not_estimable.size(); ++arm) out[i].push_back(model_.log_ratio(static_cast<int>(arm), row));
  }
  return out;
}

std::string RelativeEffects::json() const {
  const statistics::EffectModel& m = model_;
  const Json p = std::isfinite(m.p_heterogeneity) ? Json(m.p_heterogeneity) : Json(nullptr);
  return Json{{"covariates", Json::parse(covariates_.json())},
              {"not_estimable", m.not_estimable},
              {"prognosis", m.prognosis},
              {"index_centre", m.index_centre},
              {"index_scale", m.index_scale},
              {"coef", m.coef},
              {"covariance", m.covariance},
              {"heterogeneous", m.heterogeneous},
              {"p_heterogeneity", p},
              {"problem", m.problem}}
      .dump();
}

RelativeEffects RelativeEffects::from_json(const std::string& text) {
  const Json json = Json::parse(text);
  RelativeEffects made;
  made.covariates_ = Covariates::from_json(json.at("covariates").dump());
  statistics::EffectModel& m = made.model_;
  m.not_estimable = json.at("not_estimable").get<std::vector<std::string>>();
  m.prognosis = json.at("prognosis").get<std::vector<double>>();
  m.index_centre = json.at("index_centre");
  m.index_scale = json.at("index_scale");
  m.coef = json.at("coef").get<std::vector<std::vector<double>>>();
  m.covariance = json.at("covariance").get<std::vector<std::vector<double>>>();
  m.heterogeneous = json.at("heterogeneous");
  m.p_heterogeneity = json.at("p_heterogeneity").is_null() ? statistics::kNone : json.at("p_heterogeneity").get<double>();
  m.problem = json.at("problem");
  return made;
}

}  // namespace hepar::validation
