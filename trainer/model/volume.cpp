// SPDX-License-Identifier: Apache-2.0
// Volumes: a small residual 3-D network. Every convolution halves the grid; group norm stands inside the branches only, so
// that absolute intensity passes along the residual path. Direct terms: intensities and hot spots (intensity.hpp).
#include "trainer/model/encoder.hpp"
#include "trainer/model/intensity.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>

#include <algorithm>
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
    const Grid grid{phases_, values.size(2), values.size(3), values.size(4)};
    const auto size = static_cast<std::size_t>(phases_ * grid.voxels()), width = static_cast<std::size_t>(linear_width());
    at::Tensor statistics = at::empty({patients, linear_width()}, at::kFloat);
    for (std::size_t i = 0; i < static_cast<std::size_t>(patients); ++i)
      intensity_statistics({values.data_ptr<float>() + i * size, size}, grid, {statistics.data_ptr<float>() + i * width, width});
    return at::cat({out_(dropout(norm_(at::cat({pooled, statistics}, 1)), mask, name_, dropout_)), statistics}, 1);
  }
  std::int64_t linear_width() const override { return intensity_width(phases_); }
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
