// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/encoder.hpp"

#include "data/base/error.hpp"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <array>

namespace hepar::model {

std::span<const EncoderKind> encoder_table() {
  static constexpr std::array<EncoderKind, 4> table{{{Kind::vector, make_vector_encoder},
                                                     {Kind::bag, make_bag_encoder},
                                                     {Kind::volume, make_volume_encoder},
                                                     {Kind::sequence, make_sequence_encoder}}};
  return table;
}

std::unique_ptr<Encoder> make_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters) {
  for (const std::string& entry : config.torchscript)
    if (entry.starts_with(input.name + "=")) return make_script_encoder(config, input, parameters, entry.substr(input.name.size() + 1));
  for (const EncoderKind& entry : encoder_table())
    if (entry.kind == input.kind) return entry.make(config, input, parameters);
  throw Error(ExitCode::bug, "no encoder for inputs of kind " + std::string(name_of(input.kind)));
}

dataset::InputBatch only(const dataset::InputBatch& batch, Kind kind, std::span<const std::uint8_t> visible) {
  if (std::all_of(visible.begin(), visible.end(), [](std::uint8_t v) { return v != 0; })) return batch;
  const bool ragged = kind == Kind::bag || kind == Kind::sequence;
  dataset::InputBatch kept;
  std::vector<at::Tensor> parts;
  if (ragged) kept.offsets.push_back(0);
  for (std::size_t p = 0; p < visible.size(); ++p) {
    if (visible[p] == 0) continue;
    const std::int64_t begin = ragged ? batch.offsets[p] : static_cast<std::int64_t>(p);
    const std::int64_t count = ragged ? batch.offsets[p + 1] - begin : 1;
    parts.push_back(batch.values.narrow(0, begin, count));
    if (ragged) kept.offsets.push_back(kept.offsets.back() + count);
    kept.present.push_back(1);
  }
  if (!parts.empty()) kept.values = at::cat(parts);
  return kept;
}

}  // namespace hepar::model
