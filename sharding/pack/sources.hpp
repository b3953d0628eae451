// SPDX-License-Identifier: Apache-2.0
// journal/sources.json: of which source files the present shards were made, patient by patient.
#pragma once

#include "sharding/extract/extract.hpp"
#include "sharding/store/layout.hpp"

#include <map>
#include <string>
#include <vector>

namespace hepar::pack {

struct Source {
  std::string fingerprint;
  std::vector<std::int64_t> items;           // one a modality
  std::vector<extract::Failure> failures;
};
using Sources = std::map<std::string, Source>;  // by key

[[nodiscard]] std::string to_text(const Sources& sources);
[[nodiscard]] Sources sources_from(const std::string& text);
[[nodiscard]] Sources read_sources(const store::Names& names);  // empty when there are none

}  // namespace hepar::pack
