// SPDX-License-Identifier: Apache-2.0
// The files of one checkpoint, RunFolder::checkpoint(step).
#pragma once

#include "data/base/run_folder.hpp"

namespace hepar {

// state.json names the hash of state.safetensors as "state_sha256". 2: with the anchor.
inline constexpr DocumentKind kCheckpointDocument{"state.json", "hepar-checkpoint/2"};

struct CheckpointFolder {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path document() const { return root / kCheckpointDocument.file; }
  [[nodiscard]] std::filesystem::path state() const { return root / "state.safetensors"; }
};

}  // namespace hepar
