// SPDX-License-Identifier: Apache-2.0
// Reports: embedded tokens see their neighbours (phrases are short: a number and its unit, a negation and its finding),
// then pre-norm transformer layers among a patient's own tokens; attention, mean and maximum pooling.
#include "trainer/model/encoder.hpp"
#include "trainer/model/ragged.hpp"

#include "data/base/error.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>

#include <algorithm>

namespace hepar::model {
namespace {

struct Layer {
  LayerNorm before_attention, before_hidden;
  Linear qkv, merge, hidden, back;
  Layer(ParameterSet& p, const std::string& name, std::int64_t width, std::int64_t hidden_width)
      : before_attention(p, name + ".norm1", width), before_hidden(p, name + ".norm2", width), qkv(p, name + ".qkv", width, 3 * width),
        merge(p, name + ".merge", width, width, 0.5), hidden(p, name + ".hidden", width, hidden_width), back(p, name + ".back", hidden_width, width, 0.5) {}
};

class SequenceEncoder : public Encoder {
 public:
  SequenceEncoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters)
      : name_("encoder." + input.name), dropout_(config.dropout), heads_(config.sequence.heads), positions_(config.sequence.positions),
        tokens_(parameters.normal(name_ + ".tokens", {input.width, config.sequence.width}, 0.5, Decay::no)),
        places_(parameters.normal(name_ + ".positions", {config.sequence.positions, config.sequence.width}, 0.05, Decay::no)),
        phrase_(parameters, name_ + ".phrase", 3 * config.sequence.width, config.sequence.width, 1.4) {
    const std::int64_t width = config.sequence.width;
    if (width % heads_ != 0) throw usage_error("model.sequence.heads: " + std::to_string(heads_) + " does not divide model.sequence.width " + std::to_string(width));
    for (long long l = 0; l < config.sequence.layers; ++l)
      layers_.emplace_back(parameters, name_ + ".layer" + std::to_string(l + 1), width, config.sequence.hidden);
    last_ = LayerNorm(parameters, name_ + ".last", width);
    score_ = Linear(parameters, name_ + ".score", width, 1);
    norm_ = LayerNorm(parameters, name_ + ".norm", 3 * width);
    out_ = Linear(parameters, name_ + ".out", 3 * width, config.embedding);
  }

  at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const override {
    const Offsets& offsets = batch.offsets;
    at::Tensor places = at::empty({offsets.back()}, at::kLong);
    for (std::size_t p = 0; p + 1 < offsets.size(); ++p)
      for (std::int64_t i = offsets[p]; i < offsets[p + 1]; ++i) places.data_ptr<std::int64_t>()[i] = std::min(i - offsets[p], positions_ - 1);
    at::Tensor x = at::embedding(tokens_, batch.values) + at::embedding(places_, places);
    x = x + at::gelu(phrase_(ragged_window(x, offsets)));
    for (const Layer& layer : layers_) {
      x = x + layer.merge(ragged_self_attention(layer.qkv(layer.before_attention(x)), offsets, heads_));
      x = x + layer.back(at::gelu(layer.hidden(layer.before_hidden(x))));
    }
    x = last_(x);
    const at::Tensor pooled = ragged_pool(x, score_(x), offsets);
    return out_(dropout(norm_(pooled), mask, name_, dropout_));
  }
  std::int64_t linear_width() const override { return 0; }
  double linear_gain() const override { return 1; }

 private:
  std::string name_;
  double dropout_;
  std::int64_t heads_, positions_;
  at::Tensor tokens_, places_;
  Linear phrase_;
  std::vector<Layer> layers_;
  LayerNorm last_, norm_;
  Linear score_, out_;
};

}  // namespace

std::unique_ptr<Encoder> make_sequence_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters) {
  return std::make_unique<SequenceEncoder>(config, input, parameters);
}

}  // namespace hepar::model
