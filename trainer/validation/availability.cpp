// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/availability.hpp"

#include "trainer/statistics/estimates.hpp"
#include "trainer/validation/results.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;
namespace st = statistics;

struct Pattern {
  std::string name;
  std::function<bool(std::int64_t)> holds;  // of a patient of the store
};

std::vector<Pattern> patterns_of(const store::Store& store) {
  std::vector<Pattern> patterns;
  std::vector<std::size_t> features, columns;
  for (std::size_t m = 0; m < store.modalities().size(); ++m)
    if (store.modalities()[m].layout.kind != Kind::vector) features.push_back(m);
  for (std::size_t c = 0; c < store.columns().size(); ++c) columns.push_back(c);
  const auto has = [&store](std::size_t m, std::int64_t p) { return store.items(static_cast<int>(m), p) > 0; };
  if (!features.empty())
    patterns.push_back({"complete", [=](std::int64_t p) {
                          for (const std::size_t m : features)
                            if (!has(m, p)) return false;
                          return true;
                        }});
  for (const std::size_t m : features) patterns.push_back({"without " + store.modalities()[m].name, [=](std::int64_t p) { return !has(m, p); }});
  for (const std::size_t c : columns)
    patterns.push_back({store.columns()[c].name + " missing", [&store, c](std::int64_t p) { return !store.row(p).cells[c].usable(); }});
  return patterns;
}

// The predicted patients of one endpoint over all folds.
struct Everybody {
  st::OutcomeTable outcomes;
  std::vector<double> risk;
  std::vector<int> fold;
  std::vector<std::int64_t> patient;
};

Everybody everybody(const store::Store& store, const std::vector<FoldResult>& folds, std::size_t e, const std::map<std::string, std::int64_t>& index) {
  Everybody out;
  std::size_t column = 0;
  while (store.endpoints()[column].name != folds.front().endpoints[e].endpoint) ++column;
  for (std::size_t f = 0; f < folds.size(); ++f) {
    if (!folds[f].record.not_trained.empty()) continue;
    const EndpointResult& endpoint = folds[f].endpoints[e];
    for (std::size_t i = 0; i < folds[f].record.test.size(); ++i) {
      const std::int64_t p = index.at(folds[f].record.test[i]);
      const Outcome& outcome = store.row(p).outcomes[column];
      if (!outcome.known) continue;
      out.outcomes.time.push_back(outcome.months);
      out.outcomes.event.push_back(outcome.event);
      out.risk.push_back(1 - endpoint.natural.back()[i]);
      out.fold.push_back(static_cast<int>(f));
      out.patient.push_back(p);
    }
  }
  return out;
}

}  // namespace

Json availability_json(const store::Store& store, const std::vector<FoldResult>& folds, std::int64_t min_events) {
  Json out = Json::object();
  if (folds.empty()) return out;
  std::map<std::string, std::int64_t> index;
  for (std::int64_t p = 0; p < store.patients(); ++p) index[store.row(p).key] = p;
  const std::vector<Pattern> patterns = patterns_of(store);
  for (std::size_t e = 0; e < folds.front().endpoints.size(); ++e) {
    const std::string& name = folds.front().endpoints[e].endpoint;
    const Everybody all = everybody(store, folds, e, index);
    double horizon = 0;
    for (const EndpointSpec& endpoint : store.endpoints())
      if (endpoint.name == name) horizon = endpoint.horizon_months;
    Json rows = Json::array();
    for (const Pattern& pattern : patterns) {
      std::vector<std::size_t> keep;
      for (std::size_t i = 0; i < all.patient.size(); ++i)
        if (pattern.holds(all.patient[i])) keep.push_back(i);
      const auto n = static_cast<double>(all.patient.size()), own = static_cast<double>(keep.size());
      if (own < 0.01 * n || own > 0.99 * n) continue;
      const st::OutcomeTable cut = st::censored_at(st::select(all.outcomes.view(), keep).view(), horizon);
      const std::vector<double> risk = st::select(all.risk, keep);
      const std::vector<int> fold = st::select(st::Codes(all.fold), keep);
      st::ConcordanceOptions within;
      within.strata = fold;
      const st::EstimateRules rules{min_events, 0.95};
      rows.push_back({{"pattern", pattern.name},
                      {"patients", keep.size()},
                      {"harrell_c", estimate_json(st::harrell_c_estimate(cut.view(), risk, rules, within))},
                      {"oe", estimate_json(st::observed_expected_estimate(cut.view(), risk, horizon, rules))}});
    }
    if (!rows.empty()) out[name] = rows;
  }
  return out;
}

}  // namespace hepar::validation
