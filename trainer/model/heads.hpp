// SPDX-License-Identifier: Apache-2.0
// A head turns a fused representation and direct terms into logits of hazards. Internal to the room.
//   z[a, j, c] = baseline[j, c] + sum_r basis_r(j) (risk_rc(x) + effect[a, r, c]) + interaction_ac(x)
// basis: constant, linear and quadratic in the interval (effects may grow or wane). Arm 0 is the reference.
#pragma once

#include "trainer/model/parameters.hpp"

namespace hepar::model {

class Head {
 public:
  Head(const HeadsConfig& config, const HeadShape& shape, std::int64_t fused, std::int64_t direct, ParameterSet& parameters);
  // fused [P, F], direct [P, D] (already multiplied by the gains of their terms) -> [P, arms, intervals, causes]
  [[nodiscard]] at::Tensor forward(const at::Tensor& fused, const at::Tensor& direct) const;
  [[nodiscard]] at::Tensor penalty() const;  // undefined with one arm

 private:
  HeadsConfig config_;
  HeadShape shape_;
  at::Tensor baseline_, basis_;
  Linear risk_;
  at::Tensor direct_, effect_;             // effect_: [arms-1, basis, causes]
  at::Tensor interaction_;                 // [(arms-1) * causes, F]
};

}  // namespace hepar::model
