// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/arena.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace hepar::engine {

Arena::Arena(model::Network& network) {
  const std::vector<model::Parameter> parameters = network.parameters();
  for (const model::Parameter& parameter : parameters) {
    segments_.push_back({parameter.name, parameter.tensor.sizes().vec(), size_, parameter.tensor.numel(), parameter.decay});
    size_ += parameter.tensor.numel();
  }
  storage_ = at::empty({size_}, at::TensorOptions().dtype(at::kFloat));
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor tensor = parameters[i].tensor;
    at::Tensor view = storage_.narrow(0, segments_[i].first, segments_[i].count).view(segments_[i].shape);
    view.copy_(tensor);
    tensor.set_data(view);
    tensors_.push_back(tensor);
  }
  first_moment_.assign(static_cast<std::size_t>(size_), 0.0f);
  second_moment_.assign(static_cast<std::size_t>(size_), 0.0f);
}

std::span<float> Arena::values() const { return {storage_.data_ptr<float>(), static_cast<std::size_t>(size_)}; }

std::vector<NamedValues> Arena::named(std::span<const float> flat, const std::string& prefix) const {
  std::vector<NamedValues> views;
  for (const Segment& segment : segments_)
    views.push_back({prefix + segment.name, segment.shape, flat.subspan(static_cast<std::size_t>(segment.first), static_cast<std::size_t>(segment.count))});
  return views;
}

}  // namespace hepar::engine
