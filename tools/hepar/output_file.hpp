// SPDX-License-Identifier: Apache-2.0
// The files or the folder that a command is asked to write, looked at before its work begins.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace hepar::program {

// What a command writes: "predictions of hepar predict", and how its own earlier output is known by its first bytes.
struct OutputKind {
  std::string_view what;
  std::function<bool(std::string_view beginning)> is_own;
};

// usage_error: `path` is a folder, or a file that this command did not make (an empty one is nobody's). disk_error: nothing
// can be written there.
void check_output(const std::filesystem::path& path, const OutputKind& kind);

// usage_error: `folder` would lie inside a store, which holds nothing but its own.
void refuse_inside_store(const std::filesystem::path& folder);

}  // namespace hepar::program
