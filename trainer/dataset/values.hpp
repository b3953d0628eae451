// SPDX-License-Identifier: Apache-2.0
// Stored values as floats, and the scales fitted to them. Internal to the room.
#pragma once

#include "trainer/dataset/dataset.hpp"

#include <cstddef>

namespace hepar::dataset {

// Bytes of a store as floats (float16 by F16C, float32 copied).
void to_floats(std::span<const std::byte> bytes, DType type, std::span<float> out);
// row = (row - mean) * inverse_sd for each row of `width` values.
void standardise_rows(std::span<float> values, std::span<const float> mean, std::span<const float> inverse_sd);
// One phase of a volume: (x - mean) * inverse_sd, cut at 8.
void standardise_phase(std::span<float> voxels, float mean, float inverse_sd);

struct BagFit { Transform::Scale scale; std::vector<float> spread; };
[[nodiscard]] BagFit fit_bag(const store::Store& store, int modality, std::span<const std::int64_t> patients);
[[nodiscard]] Transform::Scale fit_volume(const store::Store& store, int modality, std::span<const std::int64_t> patients);
[[nodiscard]] std::int64_t vocabulary(const store::Store& store, int modality, std::span<const std::int64_t> patients);

}  // namespace hepar::dataset
