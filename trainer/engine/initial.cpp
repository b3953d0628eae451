// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/initial.hpp"

#include "data/base/run_folder.hpp"
#include "data/base/text.hpp"
#include "trainer/engine/model_file.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hepar::engine {

namespace {

bool belongs(const std::string& parameter, const std::string& module) { return parameter == module || parameter.starts_with(module + "."); }

// "encoder.slide", "fusion" …: every beginning of a parameter's name.
std::vector<std::string> modules_of(const Arena& arena) {
  std::set<std::string> names;
  for (const Segment& segment : arena.segments())
    for (std::size_t dot = segment.name.find('.'); dot != std::string::npos; dot = segment.name.find('.', dot + 1)) names.insert(segment.name.substr(0, dot));
  return {names.begin(), names.end()};
}

void set_rate_of(Arena& arena, const std::string& key, const std::string& module, double rate) {
  bool any = false;
  for (std::size_t s = 0; s < arena.segments().size(); ++s) {
    if (!belongs(arena.segments()[s].name, module)) continue;
    arena.set_rate(s, rate);
    any = true;
  }
  if (!any) throw usage_error("'" + key + "' names '" + module + "', which the network does not have", {}, name_advice(module, modules_of(arena)));
}

}  // namespace

Initial begin_from(const TrainConfig& config, Arena& arena) {
  Initial initial;
  if (config.init_from.empty()) return initial;
  const RunFolder folder{config.init_from};
  const ModelFile file = read_model_file(folder.model_json());
  std::map<std::string, LoadedTensor> tensors;
  std::vector<NamedValues> named;
  for (LoadedTensor& tensor : load_safetensors(folder.model())) tensors[tensor.name] = std::move(tensor);
  for (const auto& [name, tensor] : tensors) named.push_back({name, tensor.shape, tensor.values});
  initial.parameters_sha256 = parameters_sha256(named);
  if (initial.parameters_sha256 != file.parameters_sha256) throw store_error("its weights do not match parameters_sha256 of model.json", {folder.model().string()}, "restore it, or train again");
  for (const Segment& segment : arena.segments()) {
    const auto found = tensors.find(segment.name);
    const bool fits = found != tensors.end() && found->second.shape == segment.shape;
    (fits ? initial.taken : initial.own).push_back(segment.name);
    if (fits) std::ranges::copy(found->second.values, arena.values().begin() + segment.first);
  }
  if (initial.taken.empty()) throw usage_error("'train.init_from' has no parameter of a name and shape of this network", {config.init_from}, "give a run of a like experiment, or leave it out");
  arena.set_anchor();
  initial.trained_on = file.trained_on;
  initial.trained_on.insert(initial.trained_on.end(), file.seen_before.begin(), file.seen_before.end());
  initial.contents = file.contents;
  return initial;
}

void set_rates(const TrainConfig& config, Arena& arena) {
  for (const std::string& entry : config.module_rates) {
    const std::size_t equals = entry.find('=');
    const auto rate = equals == std::string::npos ? std::nullopt : parse_number(trim(entry.substr(equals + 1)));
    if (!rate || *rate < 0 || *rate > 1000) throw usage_error("'train.module_rates' holds '" + entry + "'", {}, "give a module, =, and a share from 0 to 1000, such as encoder.ct=0.1");
    set_rate_of(arena, "train.module_rates", std::string(trim(entry.substr(0, equals))), *rate);
  }
  for (const std::string& module : config.freeze) set_rate_of(arena, "train.freeze", module, 0);
}

}  // namespace hepar::engine
