// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/results.hpp"

#include "trainer/validation/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;
namespace st = statistics;

// The patients of a fold with a known outcome of the endpoint, with a model's predictions.
struct Evaluated {
  st::HeldOut held_out;
  std::vector<std::size_t> rows;  // of the fold's test patients
};

Json estimates_json(const st::Estimates& estimates) {
  Json out = Json::object();
  for (const auto& [name, estimate] : estimates) out[name] = estimate_json(estimate);
  return out;
}

// What of an endpoint's figures has only a reason: the endpoint alone when all of them have the same.
void add_not_estimable(Json& list, const Json& about, const std::string& endpoint, const st::Estimates& metrics, const std::string& before = {}) {
  const auto add = [&](const std::string& name, const std::string& why) {
    Json entry = about;
    entry["name"] = before + name;
    entry["why"] = why;
    list.push_back(std::move(entry));
  };
  const std::string& first = metrics.begin()->second.not_estimable;
  if (!first.empty() && std::all_of(metrics.begin(), metrics.end(), [&](const auto& one) { return one.second.not_estimable == first; })) return add(endpoint, first);
  for (const auto& [name, estimate] : metrics)
    if (!estimate.estimable()) add(name, estimate.not_estimable);
}

// A baseline on one endpoint of a fold, and the model minus it.
struct Comparison {
  st::Estimates metrics, difference;
};

// A baseline over the folds, endpoint by endpoint.
class Compared {
 public:
  void add(const std::string& fold, const std::string& endpoint, const BaselineSurvival& baseline, const Comparison& comparison, Json& not_estimable, const std::string& name) {
    if (names_.empty() || names_.back() != fold) {
      names_.push_back(fold);
      metrics_.emplace_back();
      differences_.emplace_back();
      events_.push_back(Json::object());
    }
    metrics_.back().insert(comparison.metrics.begin(), comparison.metrics.end());
    differences_.back().insert(comparison.difference.begin(), comparison.difference.end());
    events_.back()[endpoint] = baseline.events_per_coefficient;
    const Json about{{"fold", fold}, {"baseline", name}};
    add_not_estimable(not_estimable, about, endpoint, comparison.metrics);
    add_not_estimable(not_estimable, about, endpoint, comparison.difference, "difference.");
  }

  [[nodiscard]] Json json(const Baseline& baseline) const {
    Json folds = Json::array();
    for (std::size_t f = 0; f < names_.size(); ++f)
      folds.push_back({{"name", names_[f]}, {"events_per_coefficient", events_[f]}, {"metrics", estimates_json(metrics_[f])}, {"difference", estimates_json(differences_[f])}});
    return {{"title", baseline.title},
            {"method", method_of(baseline)},
            {"folds", folds},
            {"pooled", estimates_json(st::pooled(metrics_))},
            {"difference", estimates_json(st::pooled(differences_, st::PoolKind::differences))}};
  }

 private:
  std::vector<std::string> names_;
  std::vector<st::Estimates> metrics_, differences_;
  std::vector<Json> events_;
};

class Gatherer {
 public:
  explicit Gatherer(const ResultsRequest& request) : request_(request), store_(request.store) {
    for (std::int64_t p = 0; p < store_.patients(); ++p) index_[store_.row(p).key] = p;
    std::map<std::string, int> codes;
    for (std::int64_t p = 0; p < store_.patients(); ++p) codes.emplace(store_.row(p).centre, 0);
    int code = 0;
    for (auto& [centre, value] : codes) value = code++;
    centre_code_ = std::move(codes);
    options_.min_events = request.experiment.validation.min_events;
    options_.seed = static_cast<std::uint64_t>(request.experiment.seed);
    options_.threads = request.threads;
  }

  Results run() {
    Results results;
    Json folds = Json::array(), not_estimable = Json::array();
    std::vector<st::Estimates> metrics;
    std::map<std::string, Compared> baselines;
    for (const FoldResult& fold : request_.folds) {
      st::Estimates of_fold;
      Json n = Json::object(), events = Json::object();
      for (const EndpointResult& endpoint : fold.endpoints) {
        const bool trained = fold.record.not_trained.empty();
        st::Estimates estimates = trained ? judged(fold, endpoint) : unjudged(fold, endpoint);
        const st::Estimate& c = estimates.at(endpoint.endpoint + ".harrell_c");
        n[endpoint.endpoint] = c.n;
        events[endpoint.endpoint] = c.events;
        for (const auto& [name, estimate] : estimates) results.anything_estimable = results.anything_estimable || estimate.estimable();
        add_not_estimable(not_estimable, {{"fold", fold.record.name}}, endpoint.endpoint, estimates);
        of_fold.merge(estimates);
        for (const auto& [name, baseline] : endpoint.baselines) baselines[name].add(fold.record.name, endpoint.endpoint, baseline, compared(fold, endpoint, baseline), not_estimable, name);
      }
      for (const Strategy& strategy : fold.strategies)
        if (!strategy.not_estimable.empty()) not_estimable.push_back({{"fold", fold.record.name}, {"name", "strategy " + strategy.name}, {"why", strategy.not_estimable}});
      folds.push_back(fold_json(fold, n, events, of_fold));
      metrics.push_back(std::move(of_fold));
    }
    results.json = {{"schema", "hepar-validation/1"},              {"scheme", request_.experiment.validation.scheme},
                    {"estimand", estimand()},                      {"folds", folds},
                    {"pooled", estimates_json(st::pooled(metrics))}, {"baselines", Json::object()}};
    for (const Baseline& baseline : validation::baselines())
      if (const auto found = baselines.find(std::string(baseline.name)); found != baselines.end()) results.json["baselines"][found->first] = found->second.json(baseline);
    results.json["audit"] = {{"passed", request_.audit.passed()}, {"checks", request_.audit.checks}, {"problems", request_.audit.problems}};
    results.json["figures"] = figures();
    results.json["not_estimable"] = not_estimable;
    results.headline = headline_of(results.json, request_.folds);
    return results;
  }

 private:
  static std::string estimand() {
    return "P(event by the horizon) of patients like those of a held-out centre, treated as such patients were in the training centres (the natural mixture of "
           "strategies); administrative censoring at the horizon";
  }

  [[nodiscard]] Evaluated evaluated(const FoldResult& fold, const EndpointResult& endpoint, const Survival& survival) const {
    std::size_t e = 0;
    while (store_.endpoints()[e].name != endpoint.endpoint) ++e;
    Evaluated out;
    st::HeldOut& held_out = out.held_out;
    held_out.endpoint = endpoint.endpoint;
    held_out.horizon = store_.endpoints()[e].horizon_months;
    held_out.at = endpoint.months;
    held_out.survival.resize(endpoint.months.size());
    for (std::size_t i = 0; i < fold.record.test.size(); ++i) {
      const store::PatientRow& row = store_.row(index_.at(fold.record.test[i]));
      const Outcome& outcome = row.outcomes[e];
      if (!outcome.known) continue;
      held_out.months.push_back(outcome.months);
      held_out.event.push_back(outcome.event);
      for (std::size_t m = 0; m < endpoint.months.size(); ++m) held_out.survival[m].push_back(survival[m][i]);
      held_out.risk.push_back(1 - survival.back()[i]);
      held_out.centre.push_back(centre_code_.at(row.centre));
      out.rows.push_back(i);
    }
    return out;
  }

  [[nodiscard]] st::Estimates judged(const FoldResult& fold, const EndpointResult& endpoint) const {
    st::Estimates out = st::held_out_metrics(evaluated(fold, endpoint, endpoint.natural).held_out, options_);
    st::HeldOutOptions quick = options_;
    quick.bootstrap = 2;
    add_raw_calibration(out, endpoint.endpoint, st::held_out_metrics(evaluated(fold, endpoint, endpoint.raw).held_out, quick));
    return out;
  }

  [[nodiscard]] static Survival unpredicted(const FoldResult& fold, const EndpointResult& endpoint) {
    return Survival(endpoint.months.size(), std::vector<double>(fold.record.test.size(), 1.0));
  }

  // The same names with the reason why the fold has none of it.
  [[nodiscard]] st::Estimates unjudged(const FoldResult& fold, const EndpointResult& endpoint) const {
    st::Estimates out = st::unpredicted_metrics(evaluated(fold, endpoint, unpredicted(fold, endpoint)).held_out, fold.record.not_trained);
    add_raw_calibration(out, endpoint.endpoint, st::Estimates(out));
    return out;
  }

  [[nodiscard]] Comparison compared(const FoldResult& fold, const EndpointResult& endpoint, const BaselineSurvival& baseline) const {
    if (!baseline.not_fitted.empty()) {
      const st::HeldOut nobody = evaluated(fold, endpoint, unpredicted(fold, endpoint)).held_out;
      return {st::unpredicted_metrics(nobody, baseline.not_fitted), st::unpredicted_differences(nobody, baseline.not_fitted)};
    }
    st::HeldOut other = evaluated(fold, endpoint, baseline.survival).held_out;
    other.risks_unjudged = baseline.risks_unjudged;
    return {st::held_out_metrics(other, options_), st::held_out_differences(evaluated(fold, endpoint, endpoint.natural).held_out, other, options_)};
  }

  // What calibration looked like before the inner split's map: kept apart, so that the map cannot hide it.
  static void add_raw_calibration(st::Estimates& out, const std::string& endpoint, const st::Estimates& raw) {
    for (const auto& [name, estimate] : raw)
      if (const std::string statistic = name.substr(name.find('.') + 1); statistic.starts_with("oe.") || statistic == "calibration_slope") out[endpoint + ".raw_" + statistic] = estimate;
  }

  [[nodiscard]] static Json fold_json(const FoldResult& fold, const Json& n, const Json& events, const st::Estimates& metrics) {
    Json strategies = Json::array();
    for (const Strategy& strategy : fold.strategies) strategies.push_back(strategy_json(strategy));
    return {{"name", fold.record.name},
            {"held_out", fold.record.held_out},
            {"patients", fold.record.test.size()},
            {"n", n},
            {"events", events},
            {"metrics", estimates_json(metrics)},
            {"parameters_sha256", fold.parameters_sha256},
            {"train", fold.record.train.size()},
            {"inner", fold.record.inner.size()},
            {"calibration", Json::parse(to_text(fold.calibration))},
            {"strategies", strategies},
            {"propensity_note", fold.propensity_note},
            {"seconds", fold.seconds}};
  }

  [[nodiscard]] Json figures() const {
    Json out = Json::object();
    if (request_.folds.empty()) return out;
    for (std::size_t e = 0; e < request_.folds.front().endpoints.size(); ++e) {
      Figured figured;
      st::HeldOut& all = figured.all;
      for (std::size_t f = 0; f < request_.folds.size(); ++f) {
        if (!request_.folds[f].record.not_trained.empty()) continue;
        const Evaluated one = evaluated(request_.folds[f], request_.folds[f].endpoints[e], request_.folds[f].endpoints[e].natural);
        all.endpoint = one.held_out.endpoint;
        all.horizon = one.held_out.horizon;
        all.months.insert(all.months.end(), one.held_out.months.begin(), one.held_out.months.end());
        all.event.insert(all.event.end(), one.held_out.event.begin(), one.held_out.event.end());
        all.risk.insert(all.risk.end(), one.held_out.risk.begin(), one.held_out.risk.end());
        figured.fold.insert(figured.fold.end(), one.held_out.risk.size(), static_cast<int>(f));
        const std::vector<double>& cuts = request_.folds[f].endpoints[e].risk_cuts;
        for (const double risk : one.held_out.risk)
          figured.risk_group.push_back(static_cast<int>(std::count_if(cuts.begin(), cuts.end(), [&](double cut) { return risk > cut; })));
      }
      if (!all.months.empty()) out[all.endpoint] = figures_of(figured);
    }
    return out;
  }

  const ResultsRequest& request_;
  const store::Store& store_;
  std::map<std::string, std::int64_t> index_;
  std::map<std::string, int> centre_code_;
  st::HeldOutOptions options_;
};

}  // namespace

Json estimate_json(const st::Estimate& estimate) {
  if (!estimate.estimable()) return {{"not_estimable", estimate.not_estimable}, {"n", estimate.n}, {"events", estimate.events}};
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  Json json{{"value", number(estimate.value)}, {"se", number(estimate.se)}, {"low", number(estimate.low)}, {"high", number(estimate.high)}, {"n", estimate.n},
            {"events", estimate.events},       {"method", estimate.method}};
  if (estimate.k > 0) json["k"] = estimate.k;
  if (estimate.k > 1) json.update({{"normal_low", number(estimate.normal_low)}, {"normal_high", number(estimate.normal_high)}});
  return json;
}

Results gather_results(const ResultsRequest& request) { return Gatherer(request).run(); }

}  // namespace hepar::validation
