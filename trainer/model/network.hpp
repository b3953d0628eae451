// SPDX-License-Identifier: Apache-2.0
// The multimodal network: an encoder an input, fusion with a presence mask, heads. No torch/nn.h here.
#pragma once

#include "trainer/dataset/dataset.hpp"

#include "data/base/options.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hepar::model {

// The key of every random mask of one forward pass: dropout element e of layer l is a function of (key, l, e) alone.
struct MaskKey { std::uint64_t key = 0; bool training = false; };

struct VectorConfig { long long hidden = 128; };
struct BagConfig { long long width = 128, attention = 64, heads = 2; };
struct VolumeConfig { long long channels = 16; };
struct SequenceConfig { long long width = 64, layers = 2, heads = 4, hidden = 128, positions = 512; };
struct FusionConfig { std::string kind = "residual"; long long width = 256, depth = 2; };
struct HeadsConfig {
  double initial_hazard = 0.03;      // of an interval, before anything is learned
  double arm_shrinkage = 0.002;      // penalty on squared arm effects (log hazard), in units of the mean loss of a patient
  double interaction_shrinkage = 0.01;
};
struct ModelConfig {
  long long embedding = 64;          // of each input, what fusion sees
  double dropout = 0.1;
  double modality_dropout = 0.1;
  double linear_dropout = 0.1;       // of the inputs' direct linear terms
  VectorConfig vector;
  BagConfig bag;
  VolumeConfig volume;
  SequenceConfig sequence;
  FusionConfig fusion;
  std::vector<std::string> torchscript;  // "ct=encoder.pt": that file encodes this input, and is trained along
  HeadsConfig heads;
};
[[nodiscard]] std::vector<Row> rows(ModelConfig& config);  // keys "model.…"

// Shape of one head's output: [P, arms, intervals, causes].
struct HeadShape { std::string name; std::int64_t arms = 1, intervals = 1, causes = 1; bool shrink_arms = true; };

struct Parameter {
  std::string name;       // "encoder.slide.attention.weight"
  at::Tensor tensor;      // float32 leaf; the engine rebinds its storage to a flat arena
  bool decay = true;      // weight decay applies (no biases, no norms, no embeddings of absence)
};

class Network {
 public:
  virtual ~Network() = default;
  [[nodiscard]] virtual std::vector<Parameter> parameters() = 0;  // fixed order; initial values are a function of seed and name
  // One output a head: float32 [P, arms, intervals, causes]. Thread-safe; uses no global generator and no batch statistics.
  [[nodiscard]] virtual std::vector<at::Tensor> forward(const dataset::Batch& batch, const MaskKey& mask) const = 0;
  // Differentiable penalty beside weight decay (arm effects shrunk towards the common hazard); scalar.
  [[nodiscard]] virtual at::Tensor penalty() const = 0;
  // Why the same slot may not give the same bits, or "": tried on made-up patients where a part comes from outside.
  [[nodiscard]] virtual std::string breaks_law_2() const { return {}; }
};

[[nodiscard]] std::unique_ptr<Network> make_network(const ModelConfig& config, const std::vector<dataset::Input>& inputs,
                                                    const std::vector<HeadShape>& heads, std::uint64_t seed);

}  // namespace hepar::model
