// SPDX-License-Identifier: Apache-2.0
// What another program needs to take the same training steps: the patients' inputs as a network sees them, the terms of their
// likelihood, the parameters. tests/bench compares PyTorch's DDP with these.
#include "data/base/files.hpp"
#include "trainer/engine/rehearsal.hpp"
#include "trainer/engine/training.hpp"
#include "trainer/model/intensity.hpp"

#include <algorithm>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

// Named arrays of floats; whole numbers below 2^24 are exact in them.
class Arrays {
 public:
  void add(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values) { parts_.push_back({name, std::move(shape), std::move(values)}); }
  void add(const std::string& name, const at::Tensor& tensor) {
    const at::Tensor flat = tensor.to(at::kFloat).contiguous();
    add(name, flat.sizes().vec(), {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()});
  }
  void write(const fs::path& path) const {
    std::vector<NamedValues> views;
    for (const Part& part : parts_) views.push_back({part.name, part.shape, part.values});
    publish(path, safetensors_text(views));
  }

 private:
  struct Part { std::string name; std::vector<std::int64_t> shape; std::vector<float> values; };
  std::vector<Part> parts_;
};

void add_input(Arrays& arrays, const dataset::Input& input, const dataset::InputBatch& batch) {
  const std::string name = "input/" + input.name;
  arrays.add(name + "/values", batch.values);
  if (!batch.offsets.empty()) arrays.add(name + "/offsets", {static_cast<std::int64_t>(batch.offsets.size())}, {batch.offsets.begin(), batch.offsets.end()});
  if (input.kind == Kind::bag) arrays.add(name + "/spread", {input.width}, input.spread);
  if (input.kind != Kind::volume) return;
  const at::Tensor values = batch.values.contiguous();
  const model::Grid grid{values.size(1), values.size(2), values.size(3), values.size(4)};
  const std::int64_t width = model::intensity_width(grid.phases), size = grid.phases * grid.voxels();
  std::vector<float> statistics(static_cast<std::size_t>(values.size(0) * width));
  for (std::int64_t p = 0; p < values.size(0); ++p)
    model::intensity_statistics({values.data_ptr<float>() + p * size, static_cast<std::size_t>(size)}, grid, std::span(statistics).subspan(static_cast<std::size_t>(p * width), static_cast<std::size_t>(width)));
  arrays.add(name + "/statistics", {values.size(0), width}, std::move(statistics));
}

}  // namespace

void Training::write_twin(const fs::path& folder) {
  Arrays arrays;
  const dataset::Batch batch = transform_.batch(request_.store, patients_, config_.bag_cap, 0);
  Json inputs = Json::array(), heads = Json::array();
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    add_input(arrays, transform_.inputs()[i], batch.inputs[i]);
    inputs.push_back({{"name", transform_.inputs()[i].name}, {"kind", std::string(name_of(transform_.inputs()[i].kind))}});
  }
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    std::vector<float> terms;  // patient, arm, interval, process, cause, share
    for (std::size_t p = 0; p < patients_.size(); ++p) {
      const objective::Account account = objective::account_of(heads_[h], subjects_[h][static_cast<std::size_t>(patients_[p])]);
      if (!account.hidden.empty()) throw Error(ExitCode::bug, "the other program knows no hidden intervals");
      for (const objective::Term& term : account.terms)
        for (const double value : {static_cast<double>(p), static_cast<double>(term.arm), static_cast<double>(term.interval), static_cast<double>(term.process), static_cast<double>(term.cause), term.share})
          terms.push_back(static_cast<float>(value));
    }
    arrays.add("terms/" + heads_[h].name, {static_cast<std::int64_t>(terms.size() / 6), 6}, std::move(terms));
    heads.push_back({{"name", heads_[h].name}, {"arms", heads_[h].arms.size()}, {"intervals", heads_[h].intervals()}, {"causes", heads_[h].causes()}});
  }
  for (const NamedValues& parameter : arena_->named(arena_->values())) arrays.add("param/" + parameter.name, parameter.shape, {parameter.values.begin(), parameter.values.end()});
  std::vector<std::string> decayed;
  for (const Segment& segment : arena_->segments())
    if (segment.decay) decayed.push_back(segment.name);
  make_folder(folder);
  arrays.write(folder / "twin.safetensors");
  Experiment copy = request_.experiment;
  Json config = Json::object();
  for (const Row& one : rows(copy)) config[one.name] = one.get();
  publish(folder / "twin.json", Json{{"patients", patients_.size()}, {"steps", total_steps_}, {"inputs", inputs}, {"heads", heads}, {"decayed", decayed}, {"config", config}}.dump(1));
}

void Rehearsal::write_twin(const fs::path& folder) { training().write_twin(folder); }

}  // namespace hepar::engine
