// SPDX-License-Identifier: Apache-2.0
// The pictures of a store: from the journal's segments, each rank its share, before store.json names them.
#include "data/base/publish_files.hpp"
#include "sharding/pack/builder.hpp"

#include <algorithm>

namespace hepar::pack {

namespace {

constexpr std::size_t kFilesAtOnce = 512;  // each batch is one syncfs

}  // namespace

std::vector<std::string> Builder::previews() const {
  std::vector<std::string> files;
  for (const PatientRecord& patient : cohort_.patients) {
    const Holding& holding = holdings_.at(patient.key);
    files.insert(files.end(), holding.previews.begin(), holding.previews.end());
  }
  return files;
}

void Builder::publish_previews() {
  const Timer timer(times_, "preview_seconds");
  const std::vector<std::string> all = previews();
  if (all.empty()) return;
  mpi::together(world_, [&] {
    if (world_.root()) make_folder(names_.preview());
  });
  mpi::together(world_, [&] {
    std::vector<NamedBytes> batch;
    for (auto p = static_cast<std::size_t>(world_.rank()); p < cohort_.patients.size(); p += static_cast<std::size_t>(world_.size())) {
      const Holding& holding = holdings_.at(cohort_.patients[p].key);
      const auto missing = [&](const std::string& file) {
        std::error_code absent;
        return !fs::exists(names_.preview(file), absent);
      };
      if (!holding.shard.empty() || std::none_of(holding.previews.begin(), holding.previews.end(), missing)) continue;
      for (extract::Preview& preview : extract::load(names_.segments(), holding.record).previews)
        batch.push_back({std::move(preview.name), std::move(preview.jpeg)});
      if (batch.size() < kFilesAtOnce) continue;
      publish_files(names_.preview(), batch);
      batch.clear();
    }
    if (!batch.empty()) publish_files(names_.preview(), batch);
  });
}

}  // namespace hepar::pack
