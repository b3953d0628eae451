// SPDX-License-Identifier: Apache-2.0
// Tiles: gated attention (Ilse 2018) with several heads, beside mean and maximum over the projected tiles. The mean tile,
// scaled to unit spread between patients, gives direct terms.
#include "trainer/model/encoder.hpp"
#include "trainer/model/ragged.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>

#include <algorithm>

namespace hepar::model {
namespace {

class BagEncoder : public Encoder {
 public:
  BagEncoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters)
      : name_("encoder." + input.name), dropout_(config.dropout), width_(input.width), attention_(config.bag.attention),
        project_(parameters, name_ + ".project", input.width, config.bag.width, 1.4),
        gate_(parameters, name_ + ".gate", config.bag.width, 2 * config.bag.attention),
        score_(parameters, name_ + ".score", config.bag.attention, config.bag.heads),
        norm_(parameters, name_ + ".norm", (config.bag.heads + 2) * config.bag.width),
        out_(parameters, name_ + ".out", (config.bag.heads + 2) * config.bag.width, config.embedding),
        inverse_spread_(at::empty({input.width}, at::kFloat)) {
    constexpr float kLeast = 0.02F;  // a dimension that hardly differs between patients is not blown up
    for (std::int64_t d = 0; d < input.width; ++d) {
      const auto i = static_cast<std::size_t>(d);
      inverse_spread_.data_ptr<float>()[d] = i < input.spread.size() ? 1 / std::max(input.spread[i], kLeast) : 1.0F;
    }
  }

  at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const override {
    const at::Tensor tiles = at::relu(project_(batch.values));
    const at::Tensor gate = gate_(tiles);
    const at::Tensor gated = at::mul(at::tanh(gate.narrow(1, 0, attention_)), at::sigmoid(gate.narrow(1, attention_, attention_)));
    const at::Tensor pooled = norm_(ragged_pool(tiles, score_(gated), batch.offsets));
    const at::Tensor mean = at::mul(ragged_mean(batch.values, batch.offsets), inverse_spread_);
    return at::cat({out_(dropout(pooled, mask, name_, dropout_)), mean}, 1);
  }
  std::int64_t linear_width() const override { return width_; }
  double linear_gain() const override { return 0.5; }

 private:
  std::string name_;
  double dropout_;
  std::int64_t width_, attention_;
  Linear project_, gate_, score_;
  LayerNorm norm_;
  Linear out_;
  at::Tensor inverse_spread_;
};

}  // namespace

std::unique_ptr<Encoder> make_bag_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters) {
  return std::make_unique<BagEncoder>(config, input, parameters);
}

}  // namespace hepar::model
