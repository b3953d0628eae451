// SPDX-License-Identifier: Apache-2.0
// Random effects over the folds of a validation.
#include "trainer/statistics/held_out.hpp"

#include "trainer/statistics/pooling.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace hepar::statistics {
namespace {

// "<endpoint>.<statistic>[.<months>]"
struct Name {
  std::string endpoint, statistic, months;  // endpoint with its dot, months with its
  explicit Name(const std::string& name) {
    const std::size_t dot = name.find('.'), end = name.find('.', dot + 1);
    endpoint = name.substr(0, dot + 1);
    statistic = name.substr(dot + 1, end == std::string::npos ? end : end - dot - 1);
    if (end != std::string::npos) months = name.substr(end);
  }
  [[nodiscard]] std::string with(const std::string& suffix) const { return endpoint + statistic + suffix + months; }
};

// The estimates of one NAME that can be pooled.
struct Usable {
  std::vector<const Estimate*> estimates;
  std::vector<double> y, se;
  std::int64_t n = 0, events = 0;
  std::string counted;  // "k = 9 of 12 folds"
};

Usable usable_of(const std::vector<const Estimate*>& all, Scale scale) {
  Usable out;
  for (const Estimate* estimate : all) {
    if (!estimate->estimable() || !(estimate->se > 0) || !on_scale(estimate->value, scale)) continue;
    out.estimates.push_back(estimate);
    out.y.push_back(estimate->value);
    out.se.push_back(estimate->se);
    out.n += estimate->n;
    out.events += estimate->events;
  }
  out.counted = "k = " + std::to_string(out.y.size()) + " of " + std::to_string(all.size()) + " folds";
  return out;
}

Estimate no_prediction(const Usable& usable) {
  Estimate none = Estimate::none("a prediction interval needs three folds");
  none.n = usable.n;
  none.events = usable.events;
  return none;
}

std::string why_unpooled(const std::vector<const Estimate*>& all) {
  if (std::any_of(all.begin(), all.end(), [](const Estimate* e) { return e->estimable(); })) return "told fold by fold: it has no standard error to pool with";
  const std::string& first = all.front()->not_estimable;
  const bool same = std::all_of(all.begin(), all.end(), [&](const Estimate* e) { return e->not_estimable == first; });
  return same ? "no fold is estimable: " + first : "no fold is estimable";
}

void put_pooled(Estimates& result, const Name& name, const Usable& usable, Scale scale) {
  MetaOptions options;
  options.scale = scale;
  const Meta meta = random_effects(usable.y, usable.se, options);
  const auto estimate = [&](double value, double se, double low, double high, std::string method) {
    return Estimate{.value = value, .se = se, .low = low, .high = high, .n = usable.n, .events = usable.events, .method = std::move(method), .not_estimable = {}};
  };
  if (!std::isfinite(meta.estimate) || !std::isfinite(meta.lower) || !std::isfinite(meta.upper)) {
    result[name.with("")] = Estimate::none("the random-effects model has no interval over " + usable.counted);
    return;
  }
  const std::string few = usable.y.size() < kFewFolds ? "; fewer than 5 folds, hardly informative" : "";
  Estimate& mean = result[name.with("")] = estimate(meta.estimate, meta.se_natural, meta.lower, meta.upper, "random effects (REML, Hartung-Knapp), " + usable.counted + few);
  mean.k = static_cast<std::int64_t>(usable.y.size());
  mean.normal_low = meta.normal_lower;
  mean.normal_high = meta.normal_upper;
  result[name.with("_prediction")] = std::isfinite(meta.pi_lower)
      ? estimate(meta.estimate, kNone, meta.pi_lower, meta.pi_upper, "prediction interval for a new centre, t with k-2" + few)
      : no_prediction(usable);
  result[name.with("_i2")] = estimate(meta.i2, kNone, kNone, kNone, "I2, per cent");
  result[name.with("_tau2")] = estimate(meta.tau2, kNone, kNone, kNone, "between-fold variance on the analysis scale");
}

}  // namespace

Estimates pooled(std::span<const Estimates> folds, PoolKind kind) {
  std::map<std::string, std::vector<const Estimate*>> by_name;
  for (const Estimates& fold : folds) {
    for (const auto& [name, estimate] : fold) by_name[name].push_back(&estimate);
  }
  Estimates result;
  for (const auto& [text, all] : by_name) {
    const Name name(text);
    const Scale scale = kind == PoolKind::differences ? Scale::plain : scale_of(name.statistic);
    const Usable usable = usable_of(all, scale);
    if (usable.y.size() > 1) {
      put_pooled(result, name, usable, scale);
    } else if (usable.y.size() == 1) {
      result[text] = *usable.estimates.front();
      result[text].k = 1;
      result[text].method += "; " + usable.counted + ", nothing to pool";
      result[name.with("_prediction")] = no_prediction(usable);
    } else {
      result[text] = Estimate::none(why_unpooled(all));
    }
  }
  return result;
}

}  // namespace hepar::statistics
