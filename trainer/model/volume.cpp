// SPDX-License-Identifier: Apache-2.0
// Volumes: a small residual 3-D network. Every convolution halves the grid; group norm stands inside the branches only, so
// that absolute intensity passes along the residual path. Direct terms: the distribution of intensities per phase.
#include "trainer/model/encoder.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::model {
namespace {

struct Convolution {
  at::Tensor weight, bias;
  Convolution(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t size)
      : weight(parameters.normal(name + ".weight", {out, in, size, size, size}, std::sqrt(1.5 / static_cast<double>(in * size * size * size)))),
        bias(parameters.constant(name + ".bias", {out}, 0)) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const {
    const std::int64_t pad = weight.size(2) / 2;
    return at::conv3d(x, weight, bias, {2, 2, 2}, {pad, pad, pad});
  }
};

struct Block {
  LayerNorm norm;  // weight and bias of a group norm
  Convolution branch, path;
  Block(ParameterSet& parameters, const std::string& name, std::int64_t in, std::int64_t out)
      : norm(parameters, name + ".norm", in), branch(parameters, name + ".branch", in, out, 3), path(parameters, name + ".path", in, out, 1) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const {
    constexpr std::int64_t kGroup = 4;  // channels normalised together
    const std::int64_t groups = std::max<std::int64_t>(1, x.size(1) / kGroup);
    return branch(at::relu(at::group_norm(x, groups, norm.weight, norm.bias, 1e-5, false))) + path(x);
  }
};

// Mean, SD and the share of voxels above each of several levels (a ramp one unit wide), per phase.
constexpr std::int64_t kLevels = 8, kStatistics = 2 + kLevels;
void intensity_statistics(const float* voxels, std::int64_t n, float* out) {
  double sum = 0, squares = 0;
  std::array<double, kLevels> above{};
  constexpr std::int64_t kBlock = 1024;  // float inside a block, so that the loops vectorise
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const std::int64_t end = std::min(n, begin + kBlock);
    std::array<float, kLevels> ramp{};
    float s = 0, q = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const float x = voxels[i];
      s += x, q += x * x;
      for (std::size_t l = 0; l < ramp.size(); ++l) ramp[l] += std::min(1.0F, std::max(0.0F, x + 3.0F - static_cast<float>(l)));
    }
    sum += s, squares += q;
    for (std::size_t l = 0; l < ramp.size(); ++l) above[l] += ramp[l];
  }
  const double count = static_cast<double>(n), mean = sum / count;
  out[0] = static_cast<float>(mean);
  out[1] = static_cast<float>(std::sqrt(std::max(0.0, squares / count - mean * mean))) - 1.0F;
  for (std::size_t l = 0; l < above.size(); ++l) out[2 + l] = static_cast<float>(above[l] / count) - 0.5F;
}

class VolumeEncoder : public Encoder {
 public:
  VolumeEncoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters)
      : name_("encoder." + input.name), dropout_(config.dropout), phases_(input.volume.at(0)),
        stem_(parameters, name_ + ".stem", phases_, config.volume.channels, 3),
        first_(parameters, name_ + ".block1", config.volume.channels, 2 * config.volume.channels),
        second_(parameters, name_ + ".block2", 2 * config.volume.channels, 4 * config.volume.channels),
        norm_(parameters, name_ + ".norm", 8 * config.volume.channels + linear_width()),
        out_(parameters, name_ + ".out", 8 * config.volume.channels + linear_width(), config.embedding) {}

  at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const override {
    const std::int64_t patients = batch.values.size(0);
    // One volume alone takes LibTorch's native convolution, several times slower than oneDNN's: two are cheaper.
    const at::Tensor x = patients == 1 ? at::cat({batch.values, batch.values}) : batch.values;
    const at::Tensor maps = at::relu(second_(first_(stem_(x)))).flatten(2);
    const at::Tensor pooled = at::cat({maps.mean(2), maps.amax(2)}, 1).narrow(0, 0, patients);
    const at::Tensor values = batch.values.contiguous();
    at::Tensor statistics = at::empty({patients, linear_width()}, at::kFloat);
    const std::int64_t voxels = values.numel() / (patients * phases_);
    for (std::int64_t i = 0; i < patients * phases_; ++i)
      intensity_statistics(values.data_ptr<float>() + i * voxels, voxels, statistics.data_ptr<float>() + i * kStatistics);
    return at::cat({out_(dropout(norm_(at::cat({pooled, statistics}, 1)), mask, name_, dropout_)), statistics}, 1);
  }
  std::int64_t linear_width() const override { return phases_ * kStatistics; }
  double linear_gain() const override { return 2; }

 private:
  std::string name_;
  double dropout_;
  std::int64_t phases_;
  Convolution stem_;
  Block first_, second_;
  LayerNorm norm_;
  Linear out_;
};

}  // namespace

std::unique_ptr<Encoder> make_volume_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters) {
  return std::make_unique<VolumeEncoder>(config, input, parameters);
}

}  // namespace hepar::model
