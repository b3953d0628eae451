// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/results.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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
    std::map<std::string, std::vector<st::Estimates>> baselines, differences;
    Json baseline_folds = Json::object();
    for (const FoldResult& fold : request_.folds) {
      st::Estimates of_fold;
      std::map<std::string, st::Estimates> of_baseline, difference;
      Json n = Json::object(), events = Json::object();
      for (const EndpointResult& endpoint : fold.endpoints) {
        if (!fold.record.not_trained.empty()) {
          const st::Estimates none = untrained(fold, endpoint);
          of_fold.insert(none.begin(), none.end());
          not_estimable.push_back({{"fold", fold.record.name}, {"name", endpoint.endpoint}, {"why", fold.record.not_trained}});
          continue;
        }
        const Evaluated model = evaluated(fold, endpoint, endpoint.natural);
        const st::Estimates estimates = st::held_out_metrics(model.held_out, options_);
        of_fold.insert(estimates.begin(), estimates.end());
        const st::Estimates raw = raw_calibration(fold, endpoint);
        of_fold.insert(raw.begin(), raw.end());
        const st::Estimate& c = estimates.at(endpoint.endpoint + ".harrell_c");
        n[endpoint.endpoint] = c.n;
        events[endpoint.endpoint] = c.events;
        add_not_estimable(not_estimable, fold.record.name, endpoint.endpoint, of_fold);
        for (const auto& [name, survival] : endpoint.baselines) {
          const Evaluated other = evaluated(fold, endpoint, survival);
          const st::Estimates more = st::held_out_metrics(other.held_out, options_),
                              paired = st::held_out_differences(model.held_out, other.held_out, options_);
          of_baseline[name].insert(more.begin(), more.end());
          difference[name].insert(paired.begin(), paired.end());
        }
        for (const auto& [name, estimate] : estimates) results.anything_estimable = results.anything_estimable || estimate.estimable();
      }
      for (const Strategy& strategy : fold.strategies)
        if (!strategy.not_estimable.empty()) not_estimable.push_back({{"fold", fold.record.name}, {"name", "strategy " + strategy.name}, {"why", strategy.not_estimable}});
      folds.push_back(fold_json(fold, n, events, of_fold));
      metrics.push_back(std::move(of_fold));
      for (auto& [name, estimates] : of_baseline) {
        differences[name].push_back(std::move(difference[name]));
        baseline_folds[name].push_back({{"name", fold.record.name}, {"metrics", estimates_json(estimates)}});
        baselines[name].push_back(std::move(estimates));
      }
    }
    const st::Estimates pooled = st::pooled(metrics);
    results.json = {{"schema", "hepar-validation/1"},   {"scheme", request_.experiment.validation.scheme},
                    {"estimand", estimand()},           {"folds", folds},
                    {"pooled", estimates_json(pooled)}, {"baselines", Json::object()}};
    std::map<std::string, st::Estimates> pooled_differences;
    for (const auto& [name, list] : baselines) {
      pooled_differences[name] = st::pooled(differences[name], st::PoolKind::differences);
      results.json["baselines"][name] = {
          {"folds", baseline_folds[name]}, {"pooled", estimates_json(st::pooled(list))}, {"difference", estimates_json(pooled_differences[name])}};
    }
    results.json["audit"] = {{"passed", request_.audit.passed()}, {"checks", request_.audit.checks}, {"problems", request_.audit.problems}};
    results.json["figures"] = figures();
    results.json["not_estimable"] = not_estimable;
    results.headline = headline(pooled, pooled_differences["clinical_cox"]) + strategies_text();
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

  // What of the fold's figures of an endpoint has only a reason: the endpoint alone when nothing of it can be said.
  static void add_not_estimable(Json& list, const std::string& fold, const std::string& endpoint, const st::Estimates& metrics) {
    const auto add = [&](const std::string& name, const std::string& why) { list.push_back({{"fold", fold}, {"name", name}, {"why", why}}); };
    const std::string front = endpoint + ".";
    if (const st::Estimate& c = metrics.at(front + "harrell_c"); !c.estimable()) return add(endpoint, c.not_estimable);
    for (const auto& [name, estimate] : metrics)
      if (name.starts_with(front) && !estimate.estimable()) add(name, estimate.not_estimable);
  }

  // A line for each arm that some fold could not learn: nobody reads its empty cells as an oversight.
  [[nodiscard]] std::string strategies_text() const {
    std::map<std::string, std::vector<std::string>> without;
    for (const FoldResult& fold : request_.folds)
      for (const Strategy& strategy : fold.strategies)
        if (!strategy.not_estimable.empty()) without[strategy.name].push_back(fmt::format("{} ({})", fold.record.name, strategy.patients));
    std::string text;
    for (const auto& [name, folds] : without)
      text += fmt::format("strategy {} is not estimable in {} of {} folds; fold (training patients who received it): {}\n", name, folds.size(), request_.folds.size(), fmt::join(folds, ", "));
    return text;
  }

  // Every figure that the fold would have, with the reason why it has none.
  [[nodiscard]] static st::Estimates untrained(const FoldResult& fold, const EndpointResult& endpoint) {
    st::Estimates out;
    for (const char* statistic : {"harrell_c", "uno_c", "ibs", "ici", "calibration_slope"}) out[endpoint.endpoint + "." + statistic] = st::Estimate::none(fold.record.not_trained);
    for (const double month : endpoint.months)
      for (const char* statistic : {"auc", "brier", "ipa", "oe", "net_benefit"}) out[fmt::format("{}.{}.{}", endpoint.endpoint, statistic, std::llround(month))] = st::Estimate::none(fold.record.not_trained);
    return out;
  }

  // What calibration looked like before the inner split's map: kept apart, so that the map cannot hide it.
  [[nodiscard]] st::Estimates raw_calibration(const FoldResult& fold, const EndpointResult& endpoint) const {
    st::Estimates out;
    st::HeldOutOptions quick = options_;
    quick.bootstrap = 2;
    for (auto& [name, estimate] : st::held_out_metrics(evaluated(fold, endpoint, endpoint.raw).held_out, quick)) {
      const std::string statistic = name.substr(name.find('.') + 1);
      if (statistic.starts_with("oe.") || statistic == "calibration_slope") out[endpoint.endpoint + ".raw_" + statistic] = estimate;
    }
    return out;
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

  [[nodiscard]] static Json estimates_json(const st::Estimates& estimates) {
    Json out = Json::object();
    for (const auto& [name, estimate] : estimates) out[name] = estimate_json(estimate);
    return out;
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

  static std::string headline(const st::Estimates& pooled, const st::Estimates& difference) {
    const auto interval = [](const st::Estimates& from, const std::string& name) {
      const auto found = from.find(name);
      if (found == from.end()) return std::string("-");
      const st::Estimate& e = found->second;
      return e.estimable() ? fmt::format("{:.3f} ({:.3f} to {:.3f})", e.value, e.low, e.high) : "not estimable: " + e.not_estimable;
    };
    std::string text = fmt::format("{:<12} {:<26} {:<26} {}\n", "", "Harrell C, pooled", "new centre (prediction)", "over clinical Cox");
    for (const auto& [name, estimate] : pooled) {
      if (!name.ends_with(".harrell_c")) continue;
      const std::string endpoint = name.substr(0, name.find('.'));
      text += fmt::format("{:<12} {:<26} {:<26} {}\n", endpoint, interval(pooled, name), interval(pooled, name + "_prediction"), interval(difference, name));
    }
    return text;
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
  return {{"value", number(estimate.value)}, {"se", number(estimate.se)}, {"low", number(estimate.low)}, {"high", number(estimate.high)}, {"n", estimate.n},
          {"events", estimate.events},       {"method", estimate.method}};
}

Results gather_results(const ResultsRequest& request) { return Gatherer(request).run(); }

}  // namespace hepar::validation
