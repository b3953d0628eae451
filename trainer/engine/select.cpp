// SPDX-License-Identifier: Apache-2.0
#include "data/base/text.hpp"
#include "data/cohort/availability.hpp"
#include "trainer/engine/engine.hpp"

#include <algorithm>

namespace hepar::engine {

namespace {

bool is_all(const std::vector<std::string>& names) { return names.size() == 1 && names.front() == "all"; }

bool holds(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

void check_known(const std::vector<std::string>& asked, const std::vector<std::string>& known, const char* key) {
  if (asked.empty()) throw usage_error(std::string("'") + key + "' names nothing", {}, "write all, or some of " + join(known, ", "));
  for (const std::string& name : asked)
    if (!holds(known, name)) throw usage_error(std::string("'") + key + "' names '" + name + "', which the store does not have", {}, name_advice(name, known));
}

}  // namespace

Selection select(const Experiment& experiment, const store::Store& store) {
  Selection selection;
  std::vector<std::string> endpoints, inputs;
  for (const EndpointSpec& endpoint : store.endpoints()) endpoints.push_back(endpoint.name);
  for (const store::StoredModality& modality : store.modalities()) inputs.push_back(modality.name);
  for (const ColumnSpec& column : store.columns()) inputs.push_back(column.name);
  if (!is_all(experiment.endpoints)) check_known(experiment.endpoints, endpoints, "endpoints");
  const bool everything = is_all(experiment.modalities);
  if (!everything) check_known(experiment.modalities, inputs, "modalities");
  for (const std::string& name : endpoints)
    if (is_all(experiment.endpoints) || holds(experiment.endpoints, name)) selection.endpoints.push_back(name);

  const auto refuse_or_note = [&](const std::string& name, const KnownAt& known) {
    const std::string why = name + " " + known_too_late(known, experiment.predict_at);
    if (holds(experiment.modalities, name)) throw usage_error(why, {}, "remove it from modalities:, or set predict_at");
    selection.left_out.push_back(why);
  };
  for (const store::StoredModality& modality : store.modalities()) {
    if (modality.layout.kind != Kind::vector) {
      if (!everything && !holds(experiment.modalities, modality.name)) continue;
      if (known_by(modality.known, experiment.predict_at)) {
        selection.modalities.push_back(modality.name);
      } else {
        refuse_or_note(modality.name, modality.known);
      }
      continue;
    }
    bool any = false;
    for (const std::string& name : modality.columns) {
      if (!everything && !holds(experiment.modalities, modality.name) && !holds(experiment.modalities, name)) continue;
      for (const ColumnSpec& column : store.columns()) {
        if (column.name != name) continue;
        if (known_by(column.known, experiment.predict_at)) {
          if (!holds(selection.columns, name)) selection.columns.push_back(name);
          any = true;
        } else {
          refuse_or_note(name, column.known);
        }
      }
    }
    if (any) selection.modalities.push_back(modality.name);
  }
  if (selection.modalities.empty()) throw usage_error("nothing is known at predict_at: " + experiment.predict_at, {}, "choose post_op, or other modalities");
  return selection;
}

}  // namespace hepar::engine
