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
  double rate = 1;          // share of the learning rate; 0: frozen, its gradient is not counted
};

// Owns the values of a network's parameters: the tensors of `network` become views of `values`.
class Arena {
 public:
  explicit Arena(model::Network& network);

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  void set_rate(std::size_t segment, double rate) { segments_[segment].rate = rate; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::span<float> values() const;
  [[nodiscard]] std::span<float> first_moment() { return first_moment_; }
  [[nodiscard]] std::span<float> second_moment() { return second_moment_; }
  [[nodiscard]] std::span<float> average() { return average_; }       // empty without EMA
  [[nodiscard]] std::span<const float> average() const { return average_; }
  // The values to go back to when a training leaves the finite numbers; going back, moments begin anew.
  [[nodiscard]] std::span<float> anchor() { return anchor_; }
  void set_anchor() { anchor_.assign(values().begin(), values().end()); }
  void back_to_anchor();
  void start_average() { average_.assign(values().begin(), values().end()); }

  // The same for another network of the same shape: it computes with these values from here on. Its leaves, in segment order.
  [[nodiscard]] std::vector<at::Tensor> bind(model::Network& network) const;

  [[nodiscard]] const std::vector<at::Tensor>& tensors() const { return tensors_; }  // for autograd::grad, in segment order
  // Views by name of one of the flat arrays.
  [[nodiscard]] std::vector<NamedValues> named(std::span<const float> flat, const std::string& prefix = {}) const;

 private:
  [[nodiscard]] at::Tensor view(std::size_t segment) const;

  std::vector<Segment> segments_;
  std::vector<at::Tensor> tensors_;
  at::Tensor storage_;
  std::int64_t size_ = 0;
  std::vector<float> first_moment_, second_moment_, average_, anchor_;
};

}  // namespace hepar::engine
