// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/columns.hpp"

#include "data/cohort/column_kinds.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::dataset {
namespace {

constexpr double kCut = 6;  // SD; a wrong unit or a typing error must not drown the others

double number_of(const Transform::Column& column, const Cell& cell) {
  // Symmetric, so that a negative value of a column that should have none stays finite.
  return column.log1p ? std::copysign(std::log1p(std::abs(cell.value)), cell.value) : cell.value;
}

}  // namespace

Transform::Column fit_column(const ColumnSpec& spec, std::span<const Cell* const> cells) {
  Transform::Column column{.name = spec.name, .type = spec.type, .log1p = spec.log1p, .values = spec.values};
  double n = 0, sum = 0;
  std::vector<double> counts(spec.values.size(), 0.0);
  for (const Cell* cell : cells) {
    column.has_missing |= !cell->usable();
    column.has_below |= cell->state == Cell::State::below_limit;
    column.has_above |= cell->state == Cell::State::above_limit;
    if (!cell->usable()) continue;
    n += 1;
    if (kind_of(spec).levels) counts.at(static_cast<std::size_t>(cell->value)) += 1;
    else sum += number_of(column, *cell);
  }
  if (n == 0) {
    column.shares.assign(spec.values.size(), 0.0);
    return column;
  }
  if (kind_of(spec).levels) {
    for (const double count : counts) column.shares.push_back(count / n);
    return column;
  }
  column.mean = sum / n;
  double squares = 0;
  for (const Cell* cell : cells)
    if (cell->usable()) squares += std::pow(number_of(column, *cell) - column.mean, 2);
  const double sd = std::sqrt(squares / n);
  column.inverse_sd = sd > 1e-9 * std::max(1.0, std::abs(column.mean)) ? 1 / sd : 0;
  return column;
}

std::vector<std::string> feature_names(const Transform::Column& column) {
  std::vector<std::string> names;
  if (kind_of(column.type).levels) for (const std::string& value : column.values) names.push_back(column.name + "=" + value);
  else names.push_back(column.name);
  if (column.has_missing) names.push_back(column.name + " missing");
  if (column.has_below) names.push_back(column.name + " below limit");
  if (column.has_above) names.push_back(column.name + " above limit");
  return names;
}

float* transform_cell(const Transform::Column& column, const Cell& cell, float* out) {
  const bool usable = cell.usable();
  if (kind_of(column.type).levels) {
    for (std::size_t v = 0; v < column.values.size(); ++v)
      *out++ = usable ? static_cast<float>((cell.value == static_cast<double>(v) ? 1.0 : 0.0) - column.shares[v]) : 0.0F;
  } else {
    *out++ = usable ? static_cast<float>(std::clamp((number_of(column, cell) - column.mean) * column.inverse_sd, -kCut, kCut)) : 0.0F;
  }
  if (column.has_missing) *out++ = usable ? 0.0F : 1.0F;
  if (column.has_below) *out++ = cell.state == Cell::State::below_limit ? 1.0F : 0.0F;
  if (column.has_above) *out++ = cell.state == Cell::State::above_limit ? 1.0F : 0.0F;
  return out;
}

}  // namespace hepar::dataset
