// SPDX-License-Identifier: Apache-2.0
// Operations on patients of unequal length that lie side by side: rows offsets[p] … offsets[p+1] are patient p's. Each is
// one node of the autograd graph with a gradient written by hand, one patient after another: nothing is padded, and a
// patient's result cannot depend on its neighbours. Internal to the room.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace hepar::model {

using Offsets = std::vector<std::int64_t>;

// values [N, D], scores [N, K] -> [P, K*D + D + D]: per score column the softmax-weighted sum, then the mean, then the
// maximum. Every patient has at least one row.
[[nodiscard]] at::Tensor ragged_pool(const at::Tensor& values, const at::Tensor& scores, const Offsets& offsets);
// Mean of each patient's rows: [N, D] -> [P, D]. No gradient (inputs are constants).
[[nodiscard]] at::Tensor ragged_mean(const at::Tensor& values, const Offsets& offsets);
// Softmax attention among a patient's own rows: qkv [N, 3*D] -> [N, D] with `heads` heads.
[[nodiscard]] at::Tensor ragged_self_attention(const at::Tensor& qkv, const Offsets& offsets, std::int64_t heads);
// Each row with its neighbours: [N, D] -> [N, 3*D] = previous | own | next, 0 beyond a patient's ends.
[[nodiscard]] at::Tensor ragged_window(const at::Tensor& values, const Offsets& offsets);

}  // namespace hepar::model
