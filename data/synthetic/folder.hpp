// SPDX-License-Identifier: Apache-2.0
// The two folders of a synthetic cohort, OUT and OUT.truth. While they are written OUT holds synth.json, published first and
// removed last: it tells an unfinished cohort from a user's own files, and names the arguments that it was begun with.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace hepar::synthetic {

using Arguments = std::vector<std::pair<std::string, std::string>>;  // flag without dashes, value

[[nodiscard]] std::filesystem::path truth_folder(const std::filesystem::path& out);

// Takes absent or empty folders, or an OUT that the same arguments began. usage_error for all others, before anything is
// written: an OUT that holds anything else, an OUT.truth that is not its, an OUT begun with other arguments. Local, one rank.
void begin_cohort(const std::filesystem::path& out, const Arguments& arguments);
// After the last file.
void finish_cohort(const std::filesystem::path& out);

}  // namespace hepar::synthetic
