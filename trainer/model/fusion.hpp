// SPDX-License-Identifier: Apache-2.0
// Fusion makes one representation of what the encoders saw and of which inputs there are. Internal to the room.
#pragma once

#include "trainer/model/masks.hpp"
#include "trainer/model/parameters.hpp"

#include <memory>

namespace hepar::model {

class Fusion {
 public:
  virtual ~Fusion() = default;
  // [P, inputs x embedding] in the order of the inputs and [P, inputs] (1: visible) -> [P, fusion.width]. Thread-safe.
  [[nodiscard]] virtual at::Tensor forward(const at::Tensor& seen, const at::Tensor& presence, const MaskKey& mask) const = 0;
};

// By the name model.fusion.kind; its values are fusion_names().
[[nodiscard]] std::unique_ptr<Fusion> make_fusion(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters);
[[nodiscard]] std::vector<std::string> fusion_names();

std::unique_ptr<Fusion> make_residual_fusion(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters);

}  // namespace hepar::model
