// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/units.hpp"

#include "data/base/text.hpp"

#include <array>
#include <string>

namespace hepar {

namespace {

enum class Quantity { mass, molar, arbitrary, activity, length, weight, count, share, time };

// `size` in the smallest unit of the quantity, so that every ratio is a whole number or the inverse of one.
struct Unit {
  std::string_view name;
  Quantity quantity;
  double size;
};
constexpr std::array<Unit, 44> kUnits{{
    {"pg/mL", Quantity::mass, 1},        {"ng/L", Quantity::mass, 1},         {"ng/mL", Quantity::mass, 1e3},
    {"ug/L", Quantity::mass, 1e3},       {"ug/dL", Quantity::mass, 1e4},      {"ug/mL", Quantity::mass, 1e6},
    {"mg/L", Quantity::mass, 1e6},       {"mg/dL", Quantity::mass, 1e7},      {"mg/mL", Quantity::mass, 1e9},
    {"g/L", Quantity::mass, 1e9},        {"g/dL", Quantity::mass, 1e10},      {"pmol/L", Quantity::molar, 1},
    {"nmol/L", Quantity::molar, 1e3},    {"umol/L", Quantity::molar, 1e6},    {"mmol/L", Quantity::molar, 1e9},
    {"mAU/L", Quantity::arbitrary, 1},   {"AU/L", Quantity::arbitrary, 1e3},  {"mAU/mL", Quantity::arbitrary, 1e3},
    {"AU/mL", Quantity::arbitrary, 1e6}, {"U/L", Quantity::activity, 1},      {"IU/L", Quantity::activity, 1},
    {"mIU/mL", Quantity::activity, 1},   {"U/mL", Quantity::activity, 1e3},   {"kU/L", Quantity::activity, 1e3},
    {"IU/mL", Quantity::activity, 1e3},  {"kIU/L", Quantity::activity, 1e3},  {"um", Quantity::length, 1},
    {"mm", Quantity::length, 1e3},       {"cm", Quantity::length, 1e4},       {"m", Quantity::length, 1e6},
    {"g", Quantity::weight, 1},          {"kg", Quantity::weight, 1e3},       {"/uL", Quantity::count, 1},
    {"10^6/L", Quantity::count, 1},      {"10^3/uL", Quantity::count, 1e3},   {"10^9/L", Quantity::count, 1e3},
    {"G/L", Quantity::count, 1e3},       {"%", Quantity::share, 1},           {"fraction", Quantity::share, 1e2},
    {"days", Quantity::time, 1},         {"weeks", Quantity::time, 7},        {"months", Quantity::time, 30.4375},
    {"years", Quantity::time, 365.25},   {"hours", Quantity::time, 1.0 / 24},
}};

const Unit* unit_of(std::string_view name) {
  std::string plain = nfkc(name);  // the micro sign becomes the Greek letter
  for (std::size_t at = plain.find("μ"); at != std::string::npos; at = plain.find("μ")) plain.replace(at, 2, "u");
  for (const Unit& unit : kUnits)
    if (unit.name == plain) return &unit;
  return nullptr;
}

}  // namespace

std::optional<double> convert_unit(double value, std::string_view from, std::string_view to, double molar_mass) {
  if (from == to) return value;
  const Unit* source = unit_of(from);
  const Unit* target = unit_of(to);
  if (source == nullptr || target == nullptr) return std::nullopt;
  if (source->quantity == target->quantity)
    return source->size >= target->size ? value * (source->size / target->size) : value / (target->size / source->size);
  if (molar_mass <= 0) return std::nullopt;
  // mass in pg/mL = ng/L; molar in pmol/L; M g/mol makes 1 pmol/L equal to M/1000 ng/L.
  if (source->quantity == Quantity::molar && target->quantity == Quantity::mass)
    return value * source->size * molar_mass / 1000 / target->size;
  if (source->quantity == Quantity::mass && target->quantity == Quantity::molar)
    return value * source->size / molar_mass * 1000 / target->size;
  return std::nullopt;
}

}  // namespace hepar
