// SPDX-License-Identifier: Apache-2.0
#include "trainer/statistics/scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::statistics {
namespace {

constexpr std::array<Transform, 4> kTransforms{{
    {[](double y) { return y; }, [](double x) { return x; }, [](double) { return 1.0; }},
    {[](double y) { return std::log(y / (1 - y)); }, [](double x) { return 1 / (1 + std::exp(-x)); }, [](double y) { return y * (1 - y); }},
    {[](double y) { return std::log(y); }, [](double x) { return std::exp(x); }, [](double y) { return y; }},
    {[](double y) { return -std::log1p(-y); }, [](double x) { return -std::expm1(-x); }, [](double y) { return 1 - y; }},
}};

struct ScaleOf {
  std::string_view statistic;
  Scale scale;
};
// What is not here is on the plain scale. A new statistic with limits of its own is one line.
constexpr std::array<ScaleOf, 10> kScales{{{"harrell_c", Scale::logit},
                                           {"harrell_c_within", Scale::logit},
                                           {"uno_c", Scale::logit},
                                           {"auc", Scale::logit},
                                           {"brier", Scale::logit},
                                           {"ibs", Scale::logit},
                                           {"ici", Scale::logit},
                                           {"ipa", Scale::log_rest},
                                           {"oe", Scale::log},
                                           {"raw_oe", Scale::log}}};

}  // namespace

const Transform& transform_of(Scale scale) { return kTransforms[static_cast<std::size_t>(scale)]; }

bool on_scale(double value, Scale scale) {
  const bool above = scale == Scale::plain || scale == Scale::log_rest || value > 0, below = scale == Scale::plain || scale == Scale::log || value < 1;
  return above && below;
}

Scale scale_of(std::string_view statistic) {
  const auto* const found = std::find_if(kScales.begin(), kScales.end(), [&](const ScaleOf& one) { return one.statistic == statistic; });
  return found == kScales.end() ? Scale::plain : found->scale;
}

ScaledLimits interval_on(Scale scale, double value, double se, double z) {
  const Transform& transform = transform_of(scale);
  const double at = transform.to(value), half = z * se / transform.slope(value);
  return {transform.back(at - half), transform.back(at + half)};
}

}  // namespace hepar::statistics
