// SPDX-License-Identifier: Apache-2.0
// What is known at the time of a prediction (law 5). `predict_at` is pre_op or post_op; post_op means that pathology is
// there and no adjuvant treatment has started.
#pragma once

#include "data/cohort/spec.hpp"

#include <string>
#include <string_view>

namespace hepar {

// The day after surgery that `predict_at` stands for; usage_error with the nearest known name.
[[nodiscard]] double prediction_day(std::string_view predict_at);

[[nodiscard]] bool known_by(const KnownAt& known, std::string_view predict_at);
[[nodiscard]] bool known_by(const ColumnSpec& column, std::string_view predict_at);
// A vector is known when at least one of its columns is; the trainer takes only those columns.
[[nodiscard]] bool known_by(const CohortSpec& spec, const ModalitySpec& modality, std::string_view predict_at);
// A modality or column by name; usage_error when there is none of this name.
[[nodiscard]] bool known_by(const CohortSpec& spec, std::string_view name, std::string_view predict_at);

// "is known post_op, and predict_at is pre_op": for the list of what is left out, and for refusals.
[[nodiscard]] std::string known_too_late(const KnownAt& known, std::string_view predict_at);

}  // namespace hepar
