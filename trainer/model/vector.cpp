// SPDX-License-Identifier: Apache-2.0
// Clinical columns: a small perceptron; the columns themselves are direct terms.
#include "trainer/model/encoder.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>

namespace hepar::model {
namespace {

class VectorEncoder : public Encoder {
 public:
  VectorEncoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters)
      : name_("encoder." + input.name), dropout_(config.dropout), width_(input.width),
        first_(parameters, name_ + ".first", input.width, config.vector.hidden),
        second_(parameters, name_ + ".second", config.vector.hidden, config.embedding) {}

  at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const override {
    const at::Tensor hidden = dropout(at::gelu(first_(batch.values)), mask, name_, dropout_);
    return at::cat({second_(hidden), batch.values}, 1);
  }
  std::int64_t linear_width() const override { return width_; }
  double linear_gain() const override { return 4; }

 private:
  std::string name_;
  double dropout_;
  std::int64_t width_;
  Linear first_, second_;
};

}  // namespace

std::unique_ptr<Encoder> make_vector_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters) {
  return std::make_unique<VectorEncoder>(config, input, parameters);
}

}  // namespace hepar::model
