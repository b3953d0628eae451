// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/network.hpp"

#include "trainer/model/fusion.hpp"

namespace hepar::model {

std::vector<Row> rows(ModelConfig& c) {
  const Range size{1, 65536}, share{0, 0.9}, weight{0, 1e6};
  return {
      row("model.embedding", c.embedding, size, "values", "what fusion sees of each input"),
      row("model.dropout", c.dropout, share, "share", "of hidden values set to zero in training"),
      row("model.modality_dropout", c.modality_dropout, share, "share", "of present inputs hidden from a training step"),
      row("model.linear_dropout", c.linear_dropout, share, "share", "of the values of the inputs' direct linear terms"),
      row("model.vector.hidden", c.vector.hidden, size, "values", "hidden width of the clinical encoder"),
      row("model.bag.width", c.bag.width, size, "values", "width of a tile after projection"),
      row("model.bag.attention", c.bag.attention, size, "values", "width of the gated attention"),
      row("model.bag.heads", c.bag.heads, {1, 64}, "heads", "attention heads over tiles"),
      row("model.volume.channels", c.volume.channels, {4, 1024}, "channels", "of the first convolution; doubled twice"),
      row("model.sequence.width", c.sequence.width, size, "values", "width of a token"),
      row("model.sequence.layers", c.sequence.layers, {0, 64}, "layers", "transformer layers"),
      row("model.sequence.heads", c.sequence.heads, {1, 64}, "heads", "attention heads; must divide model.sequence.width"),
      row("model.sequence.hidden", c.sequence.hidden, size, "values", "hidden width of a transformer layer"),
      row("model.sequence.positions", c.sequence.positions, {1, 1048576}, "tokens", "positions told apart; later ones share the last"),
      row("model.torchscript", c.torchscript, "inputs encoded by TorchScript files that are trained along, such as ct=encoder.pt"),
      row("model.fusion.kind", c.fusion.kind, fusion_names(), "how the inputs become one representation"),
      row("model.fusion.width", c.fusion.width, size, "values", "width of the fused representation"),
      row("model.fusion.depth", c.fusion.depth, {0, 64}, "blocks", "residual blocks after the first layer"),
      row("model.heads.initial_hazard", c.heads.initial_hazard, {1e-6, 0.5}, "per interval", "hazard before training"),
      row("model.heads.arm_shrinkage", c.heads.arm_shrinkage, weight, "", "penalty on squared arm effects"),
      row("model.heads.interaction_shrinkage", c.heads.interaction_shrinkage, weight, "", "penalty on squared weights of arm by patient effects"),
  };
}

}  // namespace hepar::model
