// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/arena.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace hepar::engine {

Arena::Arena(model::Network& network) {
  const std::vector<model::Parameter> parameters = network.parameters();
  for (const model::Parameter& parameter : parameters) {
    segments_.push_back({parameter.name, parameter.tensor.sizes().vec(), size_, parameter.tensor.numel(), parameter.decay});
    size_ += parameter.tensor.numel();
  }
  storage_ = at::empty({size_}, at::TensorOptions().dtype(at::kFloat));
  {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) view(i).copy_(parameters[i].tensor);
  }
  tensors_ = bind(network);
  first_moment_.assign(static_cast<std::size_t>(size_), 0.0f);
  second_moment_.assign(static_cast<std::size_t>(size_), 0.0f);
  set_anchor();
}

at::Tensor Arena::view(std::size_t segment) const {
  return storage_.narrow(0, segments_[segment].first, segments_[segment].count).view(segments_[segment].shape);
}

std::vector<at::Tensor> Arena::bind(model::Network& network) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> leaves;
  for (model::Parameter& parameter : network.parameters()) {
    parameter.tensor.set_data(view(leaves.size()));
    leaves.push_back(parameter.tensor);
  }
  return leaves;
}

std::span<float> Arena::values() const { return {storage_.data_ptr<float>(), static_cast<std::size_t>(size_)}; }

void Arena::back_to_anchor() {
  std::ranges::copy(anchor_, values().begin());
  if (!average_.empty()) average_ = anchor_;
  std::ranges::fill(first_moment_, 0.0f);
  std::ranges::fill(second_moment_, 0.0f);
}

std::vector<NamedValues> Arena::named(std::span<const float> flat, const std::string& prefix) const {
  std::vector<NamedValues> views;
  for (const Segment& segment : segments_)
    views.push_back({prefix + segment.name, segment.shape, flat.subspan(static_cast<std::size_t>(segment.first), static_cast<std::size_t>(segment.count))});
  return views;
}

}  // namespace hepar::engine
