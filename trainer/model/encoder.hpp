// SPDX-License-Identifier: Apache-2.0
// An encoder turns one input of the patients that have it into a row each. Internal to the room.
#pragma once

#include "trainer/model/masks.hpp"
#include "trainer/model/parameters.hpp"

#include <memory>
#include <span>

namespace hepar::model {

class Encoder {
 public:
  virtual ~Encoder() = default;
  // [P, embedding + linear_width()] of patients that all have the input: what fusion sees, then the terms that enter the
  // risk directly (linear in the input, or nearly). Thread-safe; `name` keys its masks.
  [[nodiscard]] virtual at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const = 0;
  [[nodiscard]] virtual std::int64_t linear_width() const = 0;
  // Size of a step in a direct term's weight, relative to other parameters: few standardised columns may move fast.
  [[nodiscard]] virtual double linear_gain() const = 0;
  [[nodiscard]] virtual std::string breaks_law_2() const { return {}; }  // as of a Network
};

struct EncoderKind {
  Kind kind;
  std::unique_ptr<Encoder> (*make)(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);
};
[[nodiscard]] std::span<const EncoderKind> encoder_table();
[[nodiscard]] std::unique_ptr<Encoder> make_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);

std::unique_ptr<Encoder> make_script_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters, const std::string& path);
std::unique_ptr<Encoder> make_vector_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);
std::unique_ptr<Encoder> make_bag_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);
std::unique_ptr<Encoder> make_volume_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);
std::unique_ptr<Encoder> make_sequence_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters);

// The patients with a non-zero flag, side by side; the batch itself when that is all of them.
[[nodiscard]] dataset::InputBatch only(const dataset::InputBatch& batch, Kind kind, std::span<const std::uint8_t> visible);

}  // namespace hepar::model
