// SPDX-License-Identifier: Apache-2.0
// OUT/status.json of `hepar shard`, by the names of the contract.
#pragma once

#include "data/base/error.hpp"

#include <filesystem>
#include <string>

namespace hepar::pack {

struct Status {
  std::string state;   // running | finished | stopped | failed
  ExitCode code = ExitCode::done;
  std::string phase, message;
};
// Counts `generation` up when a run begins. Throws disk_error.
void publish_status(const std::filesystem::path& path, const Status& status);

}  // namespace hepar::pack
