// SPDX-License-Identifier: Apache-2.0
// The last step of law 3 for a file that is on disk already under another name.
#pragma once

#include <filesystem>

namespace hepar {

// Renames and flushes the folder. Throws disk_error; both names are as before then.
void put_in_place(const std::filesystem::path& finished, const std::filesystem::path& final_path);

}  // namespace hepar
