// SPDX-License-Identifier: Apache-2.0
// Random masks without a generator: element e of layer l of a pass is a function of (key, l, e). Internal to the room.
#pragma once

#include "trainer/model/network.hpp"

#include <string_view>

namespace hepar::model {

// 0 with probability `share`, else 1 / (1 - share).
[[nodiscard]] at::Tensor dropout_mask(std::uint64_t key, std::string_view layer, at::IntArrayRef shape, double share);
// x itself outside training.
[[nodiscard]] at::Tensor dropout(const at::Tensor& x, const MaskKey& mask, std::string_view layer, double share);

// Which inputs each patient is seen with: present ones, less those that modality dropout hides; never all of them.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> visible_inputs(const dataset::Batch& batch, const MaskKey& mask, double share);

}  // namespace hepar::model
