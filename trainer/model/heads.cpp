// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/heads.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace hepar::model {
namespace {

constexpr std::int64_t kBasis = 3;
// Adam moves every parameter by about the learning rate a step; what must travel far in few steps is stored in larger units.
constexpr double kBaselineGain = 10, kEffectGain = 3;

at::Tensor time_basis(std::int64_t intervals) {
  at::Tensor basis = at::empty({intervals, kBasis}, at::kFloat);
  for (std::int64_t j = 0; j < intervals; ++j) {
    const double t = intervals > 1 ? 2.0 * static_cast<double>(j) / static_cast<double>(intervals - 1) - 1.0 : 0.0;
    float* row = basis.data_ptr<float>() + j * kBasis;
    row[0] = 1, row[1] = static_cast<float>(t), row[2] = static_cast<float>(1.5 * t * t - 0.5);
  }
  return basis;
}

}  // namespace

Head::Head(const HeadsConfig& config, const HeadShape& shape, std::int64_t fused, std::int64_t direct, ParameterSet& parameters)
    : config_(config), shape_(shape), basis_(time_basis(shape.intervals)) {
  const std::string name = "head." + shape.name;
  const double logit = std::log(config.initial_hazard / (1 - config.initial_hazard));
  baseline_ = parameters.constant(name + ".baseline", {shape.intervals, shape.causes}, logit / kBaselineGain);
  risk_ = Linear(parameters, name + ".risk", fused, kBasis * shape.causes, 0);
  direct_ = parameters.normal(name + ".direct", {kBasis * shape.causes, direct}, 0);
  if (shape.arms == 1) return;
  effect_ = parameters.constant(name + ".effect", {shape.arms - 1, kBasis, shape.causes}, 0);
  interaction_ = parameters.normal(name + ".interaction", {(shape.arms - 1) * shape.causes, fused}, 0);
}

at::Tensor Head::forward(const at::Tensor& fused, const at::Tensor& direct) const {
  const std::int64_t patients = fused.size(0);
  at::Tensor risk = risk_(fused);
  if (direct.size(1) > 0) risk = risk + at::linear(direct, direct_);
  risk = risk.view({patients, 1, kBasis, shape_.causes});
  const at::Tensor baseline = baseline_ * kBaselineGain;
  if (shape_.arms == 1) return at::matmul(basis_, risk) + baseline;
  const at::Tensor common = at::zeros({1, kBasis, shape_.causes}, at::kFloat);
  at::Tensor own = at::linear(fused, interaction_).view({patients, shape_.arms - 1, 1, shape_.causes});
  own = at::cat({at::zeros({patients, 1, 1, shape_.causes}, at::kFloat), own}, 1);
  const at::Tensor coefficients = risk + at::cat({common, effect_ * kEffectGain}, 0);
  return at::matmul(basis_, coefficients) + baseline + own;
}

at::Tensor Head::penalty() const {
  if (shape_.arms == 1 || !shape_.shrink_arms) return {};
  const at::Tensor effect = effect_ * kEffectGain;
  return (effect * effect).sum() * config_.arm_shrinkage + (interaction_ * interaction_).sum() * config_.interaction_shrinkage;
}

}  // namespace hepar::model
