// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/parameters.hpp"

#include "data/base/random.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include <cmath>

namespace hepar::model {

at::Tensor ParameterSet::add(const std::string& name, at::Tensor tensor, Decay decay) {
  tensor.set_requires_grad(true);
  parameters_.push_back({name, tensor, decay == Decay::yes});
  return tensor;
}

at::Tensor ParameterSet::normal(const std::string& name, std::vector<std::int64_t> shape, double sd, Decay decay) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  Stream stream({seed_, hash_text(name)});
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) values[i] = sd == 0 ? 0.0F : static_cast<float>(sd * stream.normal());
  return add(name, tensor, decay);
}

at::Tensor ParameterSet::constant(const std::string& name, std::vector<std::int64_t> shape, double value, Decay decay) {
  return add(name, at::full(shape, value, at::kFloat), decay);
}

Linear::Linear(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out, double gain)
    : weight(parameters.normal(name + ".weight", {out, in}, gain / std::sqrt(static_cast<double>(std::max<std::int64_t>(in, 1))))),
      bias(parameters.constant(name + ".bias", {out}, 0)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }

LayerNorm::LayerNorm(ParameterSet& parameters, const std::string& name, std::int64_t width)
    : weight(parameters.constant(name + ".weight", {width}, 1)), bias(parameters.constant(name + ".bias", {width}, 0)) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, 1e-5, false);
}

}  // namespace hepar::model
