// SPDX-License-Identifier: Apache-2.0
// The scale on which a statistic is nearly normal: intervals and pools are made there and carried back, so that no limit
// lies where the statistic cannot (clinical.md section 5: C on the logit scale, observed / expected on the log scale).
#pragma once

#include <cstdint>
#include <string_view>

namespace hepar::statistics {

// logit: in (0, 1); log: above 0; log_rest: -log(1 - y), below 1.
enum class Scale : std::uint8_t { plain, logit, log, log_rest };

// To a scale, back from it, and the derivative of the way back at a value of the natural scale.
struct Transform {
  double (*to)(double);
  double (*back)(double);
  double (*slope)(double natural);
};
[[nodiscard]] const Transform& transform_of(Scale scale);
[[nodiscard]] bool on_scale(double value, Scale scale);

// The scale of a statistic of a validation ("auc", "brier", …); differences are plain.
[[nodiscard]] Scale scale_of(std::string_view statistic);

struct ScaledLimits {
  double low, high;
};
// value -+ z se on the scale, carried back. The value must be on the scale.
[[nodiscard]] ScaledLimits interval_on(Scale scale, double value, double se, double z);

}  // namespace hepar::statistics
