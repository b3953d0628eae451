// SPDX-License-Identifier: Apache-2.0
// A TorchScript module as an encoder that is trained along: its parameters become the network's. It is called as
// forward(values) for vectors [P, width] and volumes [P, phases, z, y, x], and as forward(values, offsets) for bags [N, width] and
// sequences [N], whose patients lie side by side (offsets: P + 1 row numbers); it gives [P, any width]. It runs in evaluation
// mode: its dropout is off, its batch norms keep their statistics.
#include "trainer/model/encoder.hpp"

#include "data/base/error.hpp"
#include "data/base/random.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>

#include <algorithm>
#include <mutex>
#include <thread>

namespace hepar::model {
namespace {

bool is_ragged(Kind kind) { return kind == Kind::bag || kind == Kind::sequence; }

std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

// Patients of no store: some, the same for the same `seed`.
dataset::InputBatch made_batch(const dataset::Input& input, std::int64_t patients, std::uint64_t seed) {
  constexpr std::int64_t kRows = 5;  // of a bag or a report, and one more for each later patient
  dataset::InputBatch batch;
  batch.present.assign(static_cast<std::size_t>(patients), 1);
  std::vector<std::int64_t> shape{patients};
  if (is_ragged(input.kind)) {
    batch.offsets.push_back(0);
    for (std::int64_t p = 0; p < patients; ++p) batch.offsets.push_back(batch.offsets.back() + kRows + p);
    shape.front() = batch.offsets.back();
  }
  if (input.kind == Kind::volume) shape.insert(shape.end(), input.volume.begin(), input.volume.end());
  if (input.kind == Kind::vector || input.kind == Kind::bag) shape.push_back(input.width);
  Stream random({seed});
  batch.values = at::empty(shape, input.kind == Kind::sequence ? at::kLong : at::kFloat);
  for (std::int64_t i = 0; i < batch.values.numel(); ++i) {
    if (input.kind == Kind::sequence) batch.values.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(input.width)));
    else batch.values.data_ptr<float>()[i] = static_cast<float>(random.normal());
  }
  return batch;
}

class ScriptEncoder : public Encoder {
 public:
  ScriptEncoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters, std::string path)
      : name_("encoder." + input.name), path_(std::move(path)), input_(input), dropout_(config.dropout) {
    // The profiling executor would choose other kernels after its first calls.
    static std::once_flag once;
    std::call_once(once, [] { torch::jit::setGraphExecutorOptimize(false); });
    try {
      module_ = torch::jit::load(path_, at::kCPU);
    } catch (const std::exception& error) {
      throw usage_error("'model.torchscript' of " + input.name + " cannot be loaded: " + first_line(error), {path_}, "give a TorchScript file for the CPU");
    }
    module_.eval();
    for (const auto& parameter : module_.named_parameters())
      if (parameter.value.scalar_type() == at::kFloat) leaves_.push_back(parameters.adopt(name_ + ".script." + parameter.name, parameter.value, parameter.value.dim() > 1 ? Decay::yes : Decay::no));
    out_ = Linear(parameters, name_ + ".out", run(made_batch(input, 2, 1)).size(1), config.embedding);
  }

  at::Tensor encode(const dataset::InputBatch& batch, const MaskKey& mask) const override { return out_(dropout(run(batch), mask, name_, dropout_)); }
  std::int64_t linear_width() const override { return 0; }
  double linear_gain() const override { return 1; }
  std::string breaks_law_2() const override;

 private:
  // Output, then gradients of its sum.
  using Bits = std::vector<at::Tensor>;

  [[nodiscard]] at::Tensor run(const dataset::InputBatch& batch) const {
    std::vector<c10::IValue> arguments{batch.values};
    if (is_ragged(input_.kind)) {
      at::Tensor offsets = at::empty({static_cast<std::int64_t>(batch.offsets.size())}, at::kLong);
      std::copy(batch.offsets.begin(), batch.offsets.end(), offsets.data_ptr<std::int64_t>());
      arguments.emplace_back(offsets);
    }
    try {
      const c10::IValue out = module_.forward(std::move(arguments));
      const auto patients = static_cast<std::int64_t>(batch.present.size());
      if (out.isTensor() && out.toTensor().dim() == 2 && out.toTensor().size(0) == patients && out.toTensor().scalar_type() == at::kFloat) return out.toTensor();
    } catch (const c10::Error& error) {
      throw usage_error("'model.torchscript' of " + input_.name + " fails: " + first_line(error), {path_}, "it takes values, and offsets for bags and sequences");
    }
    throw usage_error("'model.torchscript' of " + input_.name + " gives no [patients, width] of floats", {path_});
  }
  [[nodiscard]] Bits bits(const dataset::InputBatch& batch) const {
    const at::Tensor out = run(batch);
    Bits all{out.detach().clone()};
    if (!out.requires_grad()) return all;
    for (const at::Tensor& gradient : torch::autograd::grad({out.sum()}, leaves_, {}, false, false, /*allow_unused=*/true))
      if (gradient.defined()) all.push_back(gradient.clone());
    return all;
  }
  static bool same(const Bits& a, const Bits& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const at::Tensor& x, const at::Tensor& y) { return at::equal(x, y); }); }

  std::string name_, path_;
  dataset::Input input_;
  double dropout_;
  mutable torch::jit::Module module_;  // `forward` is not const, and safe in several threads
  std::vector<at::Tensor> leaves_;
  Linear out_;
};

std::string ScriptEncoder::breaks_law_2() const {
  constexpr double kTolerance = 1e-3;  // kernels may round otherwise in another batch; a neighbour that matters shows more
  const dataset::InputBatch one = made_batch(input_, 4, 2), other = made_batch(input_, 3, 3);
  const auto says = [&](const std::string& what) { return "the TorchScript encoder of " + input_.name + " (" + path_ + ") " + what; };
  const Bits first = bits(one);
  if (!same(first, bits(one))) return says("gives other bits when it is run twice");
  (void)bits(other);
  if (!same(first, bits(one))) return says("remembers what it was run on before");
  dataset::InputBatch alone = one;
  alone.present.resize(1);
  if (is_ragged(input_.kind)) alone.offsets.resize(2);
  alone.values = one.values.narrow(0, 0, is_ragged(input_.kind) ? one.offsets[1] : 1);
  if (!at::allclose(bits(alone).front(), first.front().narrow(0, 0, 1), kTolerance, kTolerance)) return says("makes a patient's features depend on the others in its batch");
  std::vector<Bits> together(3);
  std::vector<std::thread> threads;
  for (Bits& own : together)
    threads.emplace_back([&] {
      at::set_num_threads(1);
      own = bits(one);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Bits& own : together)
    if (!same(first, own)) return says("gives other bits when several slots are computed at once");
  return {};
}

}  // namespace

std::unique_ptr<Encoder> make_script_encoder(const ModelConfig& config, const dataset::Input& input, ParameterSet& parameters, const std::string& path) {
  return std::make_unique<ScriptEncoder>(config, input, parameters, path);
}

}  // namespace hepar::model
