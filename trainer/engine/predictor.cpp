// SPDX-License-Identifier: Apache-2.0
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/status.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/engine/safetensors.hpp"
#include "trainer/engine/workers.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>
#include <map>

namespace hepar::engine {

struct Predictor::Impl {
  ModelFile file;
  std::unique_ptr<model::Network> network;
  std::vector<double> months;
  std::map<std::string, std::string> extra;
};

Predictor::Predictor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

Predictor Predictor::open(const fs::path& run) {
  const RunFolder folder{run};
  auto impl = std::make_unique<Impl>(Impl{read_model_file(folder.model_json()), nullptr, {}, {}});
  const Experiment experiment = experiment_of(impl->file.config_yaml, folder.model_json().string());
  impl->network = model::make_network(experiment.model, impl->file.transform.inputs(), shapes_of(impl->file.heads), impl->file.seed);
  std::map<std::string, LoadedTensor> tensors;
  std::vector<NamedValues> named;
  for (LoadedTensor& tensor : load_safetensors(folder.model())) tensors[tensor.name] = std::move(tensor);
  for (const auto& [name, tensor] : tensors) named.push_back({name, tensor.shape, tensor.values});
  if (parameters_sha256(named) != impl->file.parameters_sha256) throw store_error("its weights do not match parameters_sha256 of model.json", {folder.model().string()}, "restore it, or train again");
  const at::NoGradGuard no_grad;
  for (const model::Parameter& parameter : impl->network->parameters()) {
    const auto found = tensors.find(parameter.name);
    if (found == tensors.end() || found->second.shape != parameter.tensor.sizes().vec())
      throw store_error("'" + parameter.name + "' is missing or of another shape", {folder.model().string()}, "use the version that trained it");
    at::Tensor target = parameter.tensor;
    std::copy(found->second.values.begin(), found->second.values.end(), target.data_ptr<float>());
  }
  double longest = 0;
  for (const EndpointSpec& endpoint : impl->file.endpoints) longest = std::max(longest, endpoint.horizon_months);
  for (double m = 12; m <= longest + 1e-9; m += 12) impl->months.push_back(m);
  for (const auto& [name, value] : impl->file.extra.items()) impl->extra[name] = value.dump();
  return Predictor(std::move(impl));
}

std::vector<Predictor::Curves> Predictor::predict(const store::Store& store, const std::vector<std::int64_t>& patients) const { return predict_at(store, patients, impl_->months); }

std::vector<Predictor::Curves> Predictor::predict_at(const store::Store& store, const std::vector<std::int64_t>& patients, const std::vector<double>& months) const {
  const ModelFile& file = impl_->file;
  std::vector<Curves> all(patients.size());
  // The serial OpenBLAS computes wrongly when several threads call it.
  Workers workers(this_machine().blas == BlasFlavour::openblas_serial ? 1 : cores_of_this_rank());
  workers.run(static_cast<std::int64_t>(patients.size()), [&](int, std::int64_t task) {
    const at::NoGradGuard no_grad;
    const auto at = static_cast<std::size_t>(task);
    // Alone: a product over a batch rounds differently from the same row by itself.
    const dataset::Batch batch = file.transform.batch(store, std::span(&patients[at], 1), std::numeric_limits<std::int64_t>::max(), 0);
    const std::vector<at::Tensor> outputs = impl_->network->forward(batch, {0, false});
    Curves& curves = all[at];
    curves.survival.assign(file.arms.size(), std::vector<std::vector<double>>(file.endpoints.size()));
    for (std::size_t h = 0; h < file.heads.size(); ++h) {
      const objective::HeadSpec& head = file.heads[h];
      const at::Tensor output = outputs[h].contiguous();
      const auto per_arm = static_cast<std::size_t>(head.intervals() * head.causes());
      for (std::size_t arm = 0; arm < head.arms.size(); ++arm) {
        const float* values = output.data_ptr<float>() + arm * per_arm;
        const std::vector<double> logits(values, values + per_arm);
        const auto of_head = objective::curves(head, file.endpoints, logits, months);
        for (std::size_t i = 0; i < head.endpoints.size(); ++i)
          for (std::size_t e = 0; e < file.endpoints.size(); ++e)
            if (file.endpoints[e].name == head.endpoints[i]) curves.survival[arm][e] = of_head[i];
      }
    }
  });
  return all;
}

const std::vector<std::string>& Predictor::arms() const { return impl_->file.arms; }
const std::vector<EndpointSpec>& Predictor::endpoints() const { return impl_->file.endpoints; }
const std::vector<double>& Predictor::months() const { return impl_->months; }
const std::string& Predictor::features_sha256() const { return impl_->file.features_sha256; }
std::string Predictor::extra(const std::string& name) const {
  const auto found = impl_->extra.find(name);
  return found == impl_->extra.end() ? std::string() : found->second;
}

void check_generation(const fs::path& run, std::int64_t generation) {
  StatusFile status(RunFolder{run}.status());
  status.join(generation);
  status.check();
}

void add_to_model(const fs::path& run, const std::string& name, const std::string& json, std::int64_t generation) {
  check_generation(run, generation);
  const RunFolder folder{run};
  ModelFile file = read_model_file(folder.model_json());
  file.extra[name] = nlohmann::ordered_json::parse(json);
  publish(folder.model_json(), to_text(file));
}

}  // namespace hepar::engine
