// SPDX-License-Identifier: Apache-2.0
// Named parameters in the order of their making. A tensor's handle is shared with whoever asked for it, so that rebinding
// its storage reaches the network. Internal to the room.
#pragma once

#include "trainer/model/network.hpp"

namespace hepar::model {

enum class Decay : bool { no = false, yes = true };

class ParameterSet {
 public:
  explicit ParameterSet(std::uint64_t seed) : seed_(seed) {}

  // Normal with the given standard deviation (0: zeros), a function of (seed, name) alone.
  at::Tensor normal(const std::string& name, std::vector<std::int64_t> shape, double sd, Decay decay = Decay::yes);
  at::Tensor constant(const std::string& name, std::vector<std::int64_t> shape, double value, Decay decay = Decay::no);
  // A tensor that exists, with its values.
  at::Tensor adopt(const std::string& name, at::Tensor tensor, Decay decay) { return add(name, std::move(tensor), decay); }
  [[nodiscard]] const std::vector<Parameter>& all() const { return parameters_; }

 private:
  at::Tensor add(const std::string& name, at::Tensor tensor, Decay decay);

  std::uint64_t seed_;
  std::vector<Parameter> parameters_;
};

// y = x W' + b
struct Linear {
  at::Tensor weight, bias;
  Linear() = default;
  Linear(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out, double gain = 1.0);
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
};

struct LayerNorm {
  at::Tensor weight, bias;
  LayerNorm() = default;
  LayerNorm(ParameterSet& parameters, const std::string& name, std::int64_t width);
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
};

}  // namespace hepar::model
