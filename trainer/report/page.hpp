// SPDX-License-Identifier: Apache-2.0
// One self-contained HTML page from a validation's or a run's files: no script, no request to anywhere.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace hepar::report {

// How every page begins, so that one is known again.
inline constexpr std::string_view kFirstBytes = "<!doctype html><!-- hepar report -->";

struct PageRequest {
  std::filesystem::path run;                   // a validation folder, or a trained run
  std::optional<std::filesystem::path> store;  // for the cohort's flow
};

// Throws store_error when `run` is neither.
[[nodiscard]] std::string page(const PageRequest& request);

}  // namespace hepar::report
