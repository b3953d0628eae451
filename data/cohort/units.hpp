// SPDX-License-Identifier: Apache-2.0
// Units of clinical values and the conversions that are exact by definition.
#pragma once

#include <optional>
#include <string_view>

namespace hepar {

// `value` in the unit `to`. Units of the same quantity convert by powers of ten (ng/mL = ug/L; mAU/mL, AU/L; cm, mm);
// mass and molar concentrations convert only with the substance's molar mass in g/mol (0: not declared). "µ" and "μ"
// read as "u". nullopt when there is no conversion: a guess would be a wrong value that looks right.
[[nodiscard]] std::optional<double> convert_unit(double value, std::string_view from, std::string_view to, double molar_mass);

}  // namespace hepar
