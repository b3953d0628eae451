// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/fold_plan.hpp"

#include "data/base/random.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace hepar::validation {

namespace {

using Indices = std::vector<std::int64_t>;

std::vector<std::size_t> asked_for(const store::Store& store, const std::vector<std::string>& endpoints) {
  std::vector<std::size_t> places;
  for (std::size_t e = 0; e < store.endpoints().size(); ++e)
    if (std::find(endpoints.begin(), endpoints.end(), store.endpoints()[e].name) != endpoints.end()) places.push_back(e);
  return places;
}

// Events of the endpoint with the fewest, within its horizon.
std::int64_t fewest_events(const store::Store& store, const Indices& patients, const std::vector<std::string>& endpoints) {
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (const std::size_t e : asked_for(store, endpoints)) {
    std::int64_t events = 0;
    for (const std::int64_t p : patients) {
      const Outcome& outcome = store.row(p).outcomes[e];
      events += outcome.known && outcome.event == 1 && outcome.months <= store.endpoints()[e].horizon_months ? 1 : 0;
    }
    fewest = std::min(fewest, events);
  }
  return fewest;
}

std::map<std::string, Indices> by_centre(const store::Store& store, const Indices& patients) {
  std::map<std::string, Indices> centres;
  for (const std::int64_t p : patients) centres[store.row(p).centre].push_back(p);
  return centres;
}

std::vector<Fold> one_centre_out(const store::Store& store, const Indices& patients, const PlanRequest& request) {
  const engine::ValidationConfig& config = request.config;
  const std::map<std::string, Indices> centres = by_centre(store, patients);
  if (centres.size() < 2)
    throw usage_error("leave_one_centre_out needs at least two centres; the store has " + std::to_string(centres.size()), {store.path().string()},
                      std::string("set validation.scheme=grouped_k_fold") + (config.group == "patient" ? "" : " and validation.group=patient"));
  std::vector<Fold> folds;
  std::vector<std::pair<std::string, Indices>> small;
  for (const auto& [centre, members] : centres) {
    if (config.pool_below_events > 0 && fewest_events(store, members, request.endpoints) < config.pool_below_events) {
      small.emplace_back(centre, members);
    } else {
      folds.push_back({centre, {centre}, members, {}, {}});
    }
  }
  int number = 0;
  const auto next_name = [&] {  // no centre's own code
    std::string name;
    do name = "pool-" + std::to_string(++number);
    while (centres.contains(name));
    return name;
  };
  // Small centres are gathered, in the order of their codes, until a pool has enough events; what is left joins the last.
  std::vector<Fold> pools;
  Fold open;
  for (const auto& [centre, members] : small) {
    open.held_out.push_back(centre);
    open.test.insert(open.test.end(), members.begin(), members.end());
    if (fewest_events(store, open.test, request.endpoints) < config.pool_below_events) continue;
    open.name = next_name();
    pools.push_back(std::exchange(open, {}));
  }
  if (!open.test.empty()) {
    if (pools.empty()) {
      open.name = next_name();
      pools.push_back(open);
    } else {
      pools.back().held_out.insert(pools.back().held_out.end(), open.held_out.begin(), open.held_out.end());
      pools.back().test.insert(pools.back().test.end(), open.test.begin(), open.test.end());
    }
  }
  folds.insert(folds.end(), pools.begin(), pools.end());
  if (folds.size() < 2)
    throw usage_error("pooling small centres leaves one fold", {store.path().string()}, "lower validation.pool_below_events, or use grouped_k_fold");
  return folds;
}

std::vector<Fold> k_folds(const store::Store& store, const Indices& patients, const PlanRequest& request) {
  const engine::ValidationConfig& config = request.config;
  // Groups in the order of a keyed hash; events are dealt before the others, so that folds are alike.
  std::map<std::string, Indices> groups;
  for (const std::int64_t p : patients) groups[config.group == "centre" ? store.row(p).centre : store.row(p).key].push_back(p);
  if (static_cast<long long>(groups.size()) < config.folds)
    throw usage_error("validation.folds is " + std::to_string(config.folds) + " with " + std::to_string(groups.size()) +
                          (config.group == "centre" ? " centres" : " patients"),
                      {store.path().string()}, "lower validation.folds");
  std::vector<std::pair<std::pair<int, std::uint64_t>, std::string>> order;
  for (const auto& [name, members] : groups) order.push_back({{fewest_events(store, members, request.endpoints) > 0 ? 0 : 1, hash_text(name, request.seed)}, name});
  std::sort(order.begin(), order.end());
  std::vector<Fold> folds(static_cast<std::size_t>(config.folds));
  for (std::size_t f = 0; f < folds.size(); ++f) folds[f].name = "fold-" + std::to_string(f + 1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    Fold& fold = folds[i % folds.size()];
    const Indices& members = groups[order[i].second];
    fold.test.insert(fold.test.end(), members.begin(), members.end());
    if (config.group == "centre") fold.held_out.push_back(order[i].second);
  }
  return folds;
}

std::vector<Fold> split_once(const store::Store& store, const Indices& patients, const PlanRequest& request) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> order;
  for (const std::int64_t p : patients) order.emplace_back(hash_text(store.row(p).key, request.seed), p);
  std::sort(order.begin(), order.end());
  const auto n = std::clamp<std::size_t>(static_cast<std::size_t>(request.config.test * static_cast<double>(order.size()) + 0.5), 1, order.size() - 1);
  Fold fold{"test", {}, {}, {}, {}};
  for (std::size_t i = 0; i < n; ++i) fold.test.push_back(order[i].second);
  return {fold};
}

struct Scheme {
  std::string_view name;
  std::vector<Fold> (*plan)(const store::Store&, const Indices&, const PlanRequest&);
};
// A new scheme is one function and one line here.
constexpr std::array<Scheme, 3> kSchemes{{{"leave_one_centre_out", &one_centre_out}, {"grouped_k_fold", &k_folds}, {"split", &split_once}}};

// Keyed by fold and patient: the inner part of one fold tells nothing about another's.
double inner_draw(const std::string& key, const std::string& fold, std::uint64_t seed) { return static_cast<double>(hash_text(key, hash_text(fold, seed + 1)) >> 11) * 0x1p-53; }

}  // namespace

std::vector<std::string> keys_of(const store::Store& store, const std::vector<std::int64_t>& patients) {
  std::vector<std::string> keys;
  for (const std::int64_t p : patients) keys.push_back(store.row(p).key);
  return keys;
}

std::vector<std::int64_t> patients_of(const store::Store& store, const std::vector<std::string>& endpoints) {
  const std::vector<std::size_t> places = asked_for(store, endpoints);
  Indices patients;
  for (std::int64_t p = 0; p < store.patients(); ++p) {
    const store::PatientRow& row = store.row(p);
    const bool known = std::any_of(places.begin(), places.end(), [&](std::size_t e) { return row.outcomes[e].known; });
    if (row.verdict.eligible() && known) patients.push_back(p);
  }
  return patients;
}

namespace {

// Settings that were chosen on a centre look better there than elsewhere.
void leave_out_chosen_on(const store::Store& store, const std::vector<std::string>& centres, std::vector<Fold>& folds) {
  std::erase_if(folds, [&](const Fold& fold) {
    return std::ranges::any_of(fold.test, [&](std::int64_t p) { return std::ranges::find(centres, store.row(p).centre) != centres.end(); });
  });
  if (folds.empty())
    throw usage_error("every fold would test patients of centres on which these settings were chosen (validation.chosen_on)", {store.path().string()},
                      "use a store with other centres, or search again with hepar sweep --hold-out CENTRE");
}

}  // namespace

std::vector<Fold> plan_folds(const store::Store& store, const Indices& patients, const PlanRequest& request) {
  const auto& config = request.config;
  if (patients.size() < 2)  // one to train on, one to test
    throw Error(ExitCode::training, "only " + std::to_string(patients.size()) + " eligible patients with follow-up", store.path().string(),
                "check eligibility with hepar cohort check");
  const auto* const scheme = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& one) { return one.name == config.scheme; });
  if (scheme == kSchemes.end()) throw usage_error("there is no validation.scheme '" + config.scheme + "'");
  std::vector<Fold> folds = scheme->plan(store, patients, request);
  leave_out_chosen_on(store, config.chosen_on, folds);
  for (Fold& fold : folds) {
    std::sort(fold.test.begin(), fold.test.end());
    std::sort(fold.held_out.begin(), fold.held_out.end());
    for (const std::int64_t p : patients) {
      if (std::binary_search(fold.test.begin(), fold.test.end(), p)) continue;
      const bool inner = inner_draw(store.row(p).key, fold.name, request.seed) < config.inner_share && !config.inner_use.empty();
      (inner ? fold.inner : fold.train).push_back(p);
    }
  }
  return folds;
}

Fold plan_stated_fold(const store::Store& store, const Indices& patients, const StatedPart& part, std::uint64_t seed) {
  std::map<std::string, Indices> centres = by_centre(store, patients);
  std::vector<std::string> known;
  for (const auto& [centre, members] : centres) known.push_back(centre);
  Fold fold{"stated", part.held_out, {}, {}, {}};
  std::sort(fold.held_out.begin(), fold.held_out.end());
  for (const std::string& centre : fold.held_out) {
    if (!centres.contains(centre)) throw usage_error("there is no centre '" + centre + "' to hold out", {store.path().string()}, name_advice(centre, known));
    fold.test.insert(fold.test.end(), centres[centre].begin(), centres[centre].end());
    centres.erase(centre);
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [centre, members] : centres) order.emplace_back(inner_draw(centre, fold.name, seed), centre);
  std::sort(order.begin(), order.end());
  const std::size_t left = patients.size() - fold.test.size();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Indices& members = centres[order[i].second];
    // Whole centres until the share is reached, never the last.
    const bool whole = i + 1 < order.size() && static_cast<double>(fold.inner.size()) < part.share * static_cast<double>(left);
    for (const std::int64_t p : members) (part.whole_centres ? whole : inner_draw(store.row(p).key, fold.name, seed) < part.share) ? fold.inner.push_back(p) : fold.train.push_back(p);
  }
  for (Indices* some : {&fold.test, &fold.train, &fold.inner}) std::sort(some->begin(), some->end());
  if (fold.train.empty() || fold.inner.empty()) throw usage_error("nobody is left to train on or to score", {store.path().string()}, "hold out fewer centres, or mend search.inner_share");
  return fold;
}

std::vector<Twins> twins_of(const store::Store& store, const std::vector<std::int64_t>& patients) {
  std::vector<Twins> twins;
  for (std::size_t m = 0; m < store.modalities().size(); ++m) {
    const store::StoredModality& modality = store.modalities()[m];
    if (modality.layout.kind != Kind::bag && modality.layout.kind != Kind::volume) continue;
    std::map<std::uint64_t, std::int64_t> first;
    for (const std::int64_t p : patients) {
      if (store.items(static_cast<int>(m), p) == 0) continue;
      const auto [found, fresh] = first.emplace(store.content_hash(static_cast<int>(m), p), p);
      if (!fresh) twins.push_back({modality.name, store.row(found->second).key, store.row(p).key});
    }
  }
  return twins;
}

}  // namespace hepar::validation
