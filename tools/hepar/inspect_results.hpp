// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of a sweep and of a table of predictions.
#pragma once

#include "tools/hepar/inspect.hpp"

namespace hepar::program {

[[nodiscard]] bool is_sweep(const std::filesystem::path& path);
[[nodiscard]] Finding look_at_sweep(const std::filesystem::path& path, const InspectOptions& options);

[[nodiscard]] bool is_predictions(const std::filesystem::path& path);
[[nodiscard]] Finding look_at_predictions(const std::filesystem::path& path, const InspectOptions& options);

}  // namespace hepar::program
