// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/network.hpp"

#include "trainer/model/encoder.hpp"
#include "trainer/model/fusion.hpp"
#include "trainer/model/heads.hpp"

#include "data/base/error.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace hepar::model {
namespace {

struct InputPart {
  Kind kind;
  std::unique_ptr<Encoder> encoder;
  at::Tensor absent;   // [1, embedding], learned
};

class FusedNetwork : public Network {
 public:
  FusedNetwork(const ModelConfig& config, const std::vector<dataset::Input>& inputs, const std::vector<HeadShape>& heads, std::uint64_t seed)
      : config_(config), parameters_(seed) {
    if (inputs.empty()) throw usage_error("modalities: none is left to train on");
    for (const std::string& entry : config.torchscript)
      if (std::none_of(inputs.begin(), inputs.end(), [&](const dataset::Input& input) { return entry.starts_with(input.name + "=") && entry.size() > input.name.size() + 1; }))
        throw usage_error("'model.torchscript' holds '" + entry + "', which is no input of this training with a file", {}, "give such as ct=encoder.pt");
    std::int64_t direct = 0;
    for (const dataset::Input& input : inputs) {
      InputPart part{input.kind, make_encoder(config, input, parameters_), {}};
      part.absent = parameters_.normal("encoder." + input.name + ".absent", {1, config.embedding}, 0.1, Decay::no);
      direct += part.encoder->linear_width();
      inputs_.push_back(std::move(part));
    }
    fusion_ = make_fusion(config, static_cast<std::int64_t>(inputs.size()), parameters_);
    for (const HeadShape& head : heads) heads_.emplace_back(config.heads, head, config.fusion.width, direct, parameters_);
  }

  std::vector<Parameter> parameters() override { return parameters_.all(); }

  std::vector<at::Tensor> forward(const dataset::Batch& batch, const MaskKey& mask) const override {
    const auto patients = static_cast<std::int64_t>(batch.patients.size());
    const auto visible = visible_inputs(batch, mask, config_.modality_dropout);
    std::vector<at::Tensor> seen, direct;
    at::Tensor presence = at::empty({patients, static_cast<std::int64_t>(inputs_.size())}, at::kFloat);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      for (std::int64_t p = 0; p < patients; ++p)
        presence.data_ptr<float>()[p * presence.size(1) + static_cast<std::int64_t>(i)] = visible[i][static_cast<std::size_t>(p)] != 0 ? 1.0F : 0.0F;
      const at::Tensor rows = encode(inputs_[i], batch.inputs[i], visible[i], mask);
      seen.push_back(rows.narrow(1, 0, config_.embedding));
      const std::int64_t width = rows.size(1) - config_.embedding;
      if (width > 0) direct.push_back(rows.narrow(1, config_.embedding, width) * inputs_[i].encoder->linear_gain());
    }
    const at::Tensor x = fusion_->forward(at::cat(seen, 1), presence, mask);
    const at::Tensor terms = direct.empty() ? at::zeros({patients, 0}, at::kFloat) : dropout(at::cat(direct, 1), mask, "direct", config_.linear_dropout);
    std::vector<at::Tensor> outputs;
    for (const Head& head : heads_) outputs.push_back(head.forward(x, terms));
    return outputs;
  }

  at::Tensor penalty() const override {
    at::Tensor sum = at::zeros({}, at::kFloat);
    for (const Head& head : heads_) {
      const at::Tensor own = head.penalty();
      if (own.defined()) sum = sum + own;
    }
    return sum;
  }

  std::string breaks_law_2() const override {
    for (const InputPart& part : inputs_)
      if (std::string why = part.encoder->breaks_law_2(); !why.empty()) return why;
    return {};
  }

 private:
  // [P, embedding + linear]: encoded rows of the patients that are visible, the absent token and zeros for the others.
  [[nodiscard]] at::Tensor encode(const InputPart& part, const dataset::InputBatch& batch, const std::vector<std::uint8_t>& visible, const MaskKey& mask) const {
    const auto patients = static_cast<std::int64_t>(visible.size());
    const auto count = static_cast<std::int64_t>(std::count_if(visible.begin(), visible.end(), [](std::uint8_t v) { return v != 0; }));
    if (count == patients) return part.encoder->encode(batch, mask);
    const at::Tensor nothing = at::cat({part.absent, at::zeros({1, part.encoder->linear_width()}, at::kFloat)}, 1);
    if (count == 0) return nothing.expand({patients, nothing.size(1)});
    const at::Tensor rows = at::cat({part.encoder->encode(only(batch, part.kind, visible), mask), nothing}, 0);
    at::Tensor places = at::empty({patients}, at::kLong);
    std::int64_t next = 0;
    for (std::int64_t p = 0; p < patients; ++p) places.data_ptr<std::int64_t>()[p] = visible[static_cast<std::size_t>(p)] != 0 ? next++ : count;
    return rows.index_select(0, places);
  }

  ModelConfig config_;
  ParameterSet parameters_;
  std::vector<InputPart> inputs_;
  std::unique_ptr<Fusion> fusion_;
  std::vector<Head> heads_;
};

}  // namespace

std::unique_ptr<Network> make_network(const ModelConfig& config, const std::vector<dataset::Input>& inputs, const std::vector<HeadShape>& heads, std::uint64_t seed) {
  return std::make_unique<FusedNetwork>(config, inputs, heads, seed);
}

}  // namespace hepar::model
