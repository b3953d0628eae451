// SPDX-License-Identifier: Apache-2.0
// What intensity statistics and the intensity histogram share.
#pragma once

#include "data/imaging/radiomics_families.hpp"

namespace hepar::imaging::ibsi {

// Population moments (1/N), excess kurtosis; percentiles interpolate linearly between the two nearest values.
struct Summary {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0, median = 0, minimum = 0, p10 = 0, p90 = 0, maximum = 0;
  double iqr = 0, range = 0, mad = 0, robust_mad = 0, median_ad = 0, variation = 0, dispersion = 0;
};
[[nodiscard]] Summary summary_of(std::vector<double> values);

}  // namespace hepar::imaging::ibsi
