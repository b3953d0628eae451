// SPDX-License-Identifier: Apache-2.0
// Parameters, moments and averages as flat arrays: optimiser, reduction and checkpoint are one loop each.
#pragma once

#include "trainer/engine/safetensors.hpp"
#include "trainer/model/network.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hepar::engine {

struct Segment {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t first = 0, count = 0;
  bool decay = true;
};

// Owns the values of a network's parameters: the tensors of `network` become views of `values`.
class Arena {
 public:
  explicit Arena(model::Network& network);

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::span<float> values() const;
  [[nodiscard]] std::span<float> first_moment() { return first_moment_; }
  [[nodiscard]] std::span<float> second_moment() { return second_moment_; }
  [[nodiscard]] std::span<float> average() { return average_; }       // empty without EMA
  [[nodiscard]] std::span<const float> average() const { return average_; }
  void start_average() { average_.assign(values().begin(), values().end()); }

  [[nodiscard]] const std::vector<at::Tensor>& tensors() const { return tensors_; }  // for autograd::grad, in segment order
  // Views by name of one of the flat arrays.
  [[nodiscard]] std::vector<NamedValues> named(std::span<const float> flat, const std::string& prefix = {}) const;

 private:
  std::vector<Segment> segments_;
  std::vector<at::Tensor> tensors_;
  at::Tensor storage_;
  std::int64_t size_ = 0;
  std::vector<float> first_moment_, second_moment_, average_;
};

}  // namespace hepar::engine
