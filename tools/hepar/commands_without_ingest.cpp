// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/inspect.hpp"

namespace hepar::program {

void add_ingest_commands(Commands&) {}

std::size_t export_store(const std::filesystem::path& store, const ExportRequest&) {
  throw usage_error("this build exports no features (HEPAR_BUILD_INGEST=OFF)", {store.string()}, "use a build with the ingest half");
}

std::vector<Look> raw_looks() {
  return {{"unknown", [](const std::filesystem::path&) { return true; },
           [](const std::filesystem::path& path, const InspectOptions&) {
             return refused(path, "unknown", "is no store, run or cohort, and this build reads no raw files (HEPAR_BUILD_INGEST=OFF)");
           }}};
}

}  // namespace hepar::program
