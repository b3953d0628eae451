// SPDX-License-Identifier: Apache-2.0
// Sealed documents: JSON files of Hepar that prove their content, so that a changed byte is an error and never an answer.
#pragma once

#include "data/base/files.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace hepar {

// The text of a document: an object with its "schema"; "content_sha256", over the rest of it without white space, comes last.
[[nodiscard]] std::string sealed(nlohmann::ordered_json document, int indent = 1);

// A sealed document, without its seal. store_error with `remedy` ("make the store again …"): no JSON object, another schema,
// or another content than was written. An absent file is an input_error, as of read_file.
[[nodiscard]] nlohmann::ordered_json read_sealed(const fs::path& path, std::string_view schema, const std::string& remedy);

}  // namespace hepar
