// SPDX-License-Identifier: Apache-2.0
// Columns of a vector: fitted on cells of the training fold, then applied to any patient's cells. Internal to the room.
#pragma once

#include "trainer/dataset/dataset.hpp"

namespace hepar::dataset {

[[nodiscard]] Transform::Column fit_column(const ColumnSpec& spec, std::span<const Cell* const> cells);
// Names of the transformed values of a column, in the order of `transform_cell`.
[[nodiscard]] std::vector<std::string> feature_names(const Transform::Column& column);
// Writes feature_names(column).size() values; returns the end.
float* transform_cell(const Transform::Column& column, const Cell& cell, float* out);

}  // namespace hepar::dataset
