// SPDX-License-Identifier: Apache-2.0
// All inputs side by side with their presence, one layer, then residual blocks.
#include "trainer/model/fusion.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>

namespace hepar::model {
namespace {

class ResidualFusion : public Fusion {
 public:
  ResidualFusion(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters) : dropout_(config.dropout) {
    const std::int64_t width = config.fusion.width;
    enter_ = Linear(parameters, "fusion.enter", inputs * (config.embedding + 1), width, 1.4);
    for (long long b = 0; b < config.fusion.depth; ++b) {
      const std::string name = "fusion.block" + std::to_string(b + 1);
      blocks_.push_back({LayerNorm(parameters, name + ".norm", width), Linear(parameters, name + ".hidden", width, width, 1.4), Linear(parameters, name + ".back", width, width, 0.5)});
    }
    leave_ = LayerNorm(parameters, "fusion.leave", width);
  }

  at::Tensor forward(const at::Tensor& seen, const at::Tensor& presence, const MaskKey& mask) const override {
    at::Tensor x = dropout(at::gelu(enter_(at::cat({seen, presence}, 1))), mask, "fusion.enter", dropout_);
    for (std::size_t b = 0; b < blocks_.size(); ++b)
      x = x + blocks_[b].back(dropout(at::gelu(blocks_[b].hidden(blocks_[b].norm(x))), mask, "fusion.block" + std::to_string(b + 1), dropout_));
    return dropout(leave_(x), mask, "fusion.leave", dropout_);
  }

 private:
  struct Block { LayerNorm norm; Linear hidden, back; };
  double dropout_;
  Linear enter_;
  std::vector<Block> blocks_;
  LayerNorm leave_;
};

}  // namespace

std::unique_ptr<Fusion> make_residual_fusion(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters) {
  return std::make_unique<ResidualFusion>(config, inputs, parameters);
}

}  // namespace hepar::model
