// SPDX-License-Identifier: Apache-2.0
// Tiles on their way to an encoder: decoded a batch at a time, ahead of the encoder by a few batches at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace hepar::pathology {

struct TileBatch {
  std::vector<std::size_t> index;    // of the tiles, as they were asked for
  std::vector<std::uint8_t> rgb;     // one tile after another
};

// Calls `make` until it returns false (an empty last batch is allowed) and `use` for each batch in order. `ahead`: on another
// thread, at most that many batches before `use`; 0: one after the other on this thread. An exception of either ends both and
// is thrown here.
void run_batches(std::size_t ahead, const std::function<bool(TileBatch&)>& make, const std::function<void(TileBatch&)>& use);

}  // namespace hepar::pathology
