// SPDX-License-Identifier: Apache-2.0
// What a data manager looks at after `hepar shard`: quality.csv, a row a slide and phase, and quality.html. Both are made of the
// store's facts, failures and pictures, so that they can be made again without reading a raw file.
#pragma once

#include "sharding/extract/extract.hpp"
#include "sharding/pack/holdings.hpp"
#include "sharding/pack/tables.hpp"

#include <map>
#include <string>
#include <vector>

namespace hepar::pack {

// One slide, or one phase of a volume.
struct QualityRow {
  std::string patient, centre, modality, item;  // item: the slide's number, or the phase
  Kind kind = Kind::bag;
  std::map<std::string, std::string> values;  // by column
  std::string preview;                        // name of its file, or ""
  std::string attention;                      // what a person should look at, or ""
};

struct QualitySource {
  const Cohort& cohort;
  const extract::Recipe& recipe;
  const FactsByKey& facts;
  const Holdings& holdings;
};

// In the order of keys, modalities and items.
[[nodiscard]] std::vector<QualityRow> quality_rows(const QualitySource& source);
[[nodiscard]] std::string quality_csv(const std::vector<QualityRow>& rows);
// `flow`: what flow.json holds. Pictures are read from `names` and become part of the page, up to a few hundred; what asks for
// attention comes first.
[[nodiscard]] std::string quality_html(const QualitySource& source, const std::vector<QualityRow>& rows, const std::string& flow, const store::Names& names);

}  // namespace hepar::pack
