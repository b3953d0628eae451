// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` says of a store, a run and a cohort folder, and in which order paths are tried.
#include "data/base/files.hpp"
#include "data/base/run_folder.hpp"
#include "data/cohort/cells.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/store.hpp"
#include "sharding/store/verify.hpp"
#include "tools/hepar/inspect.hpp"
#include "tools/hepar/inspect_results.hpp"
#include "tools/hepar/inspect_run.hpp"

#include <array>
#include <map>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Json cell_json(const ColumnSpec& column, const Cell& cell) {
  static constexpr std::array<const char*, 5> kStates{"known", "missing", "below_limit", "above_limit", "query"};
  return {{"value", cell.usable() ? Json(cell_text(column, cell)) : Json(nullptr)}, {"state", kStates.at(static_cast<std::size_t>(cell.state))}};
}

// Everything a store holds of one patient, values apart.
Json patient_json(const store::Store& store, const std::string& key) {
  for (std::int64_t p = 0; p < store.patients(); ++p) {
    const store::PatientRow& row = store.row(p);
    if (row.key != key && row.id != key) continue;
    Json json{{"key", row.key}, {"centre", row.centre}, {"eligible", row.verdict.eligible()}, {"strategy", row.assignment.name(store.strategies())}};
    json["excluded_by"] = row.verdict.excluded_by >= 0 ? Json(store.rules().at(static_cast<std::size_t>(row.verdict.excluded_by)).id) : Json(nullptr);
    for (std::size_t c = 0; c < store.columns().size(); ++c) json["columns"][store.columns()[c].name] = cell_json(store.columns()[c], row.cells[c]);
    for (std::size_t e = 0; e < store.endpoints().size(); ++e) {
      const Outcome& outcome = row.outcomes[e];
      json["endpoints"][store.endpoints()[e].name] = outcome.known ? Json{{"months", outcome.months}, {"event", outcome.event}} : Json("not known");
    }
    for (std::size_t m = 0; m < store.modalities().size(); ++m)
      json["modalities"][store.modalities()[m].name] = {{"reason", name_of(store.reason(static_cast<int>(m), p))},
                                                        {"items", store.items(static_cast<int>(m), p)}};
    for (const auto& [name, fact] : store.facts(p)) json["facts"][name] = {{"value", fact.text}, {"source", fact.source}, {"confidence", fact.confidence}};
    return json;
  }
  throw input_error("the store has no patient '" + key + "'", {store.path().string()}, "see patient/key in its tables.h5");
}

Finding look_at_store(const fs::path& path, const InspectOptions& options) {
  Finding found = finding(path, "store");
  // Damage is looked for first: a damaged store may not open, and which part it is matters more.
  if (options.verify) note_verified(found, {store::verify(path), store::hashed_files(path)});
  if (!found.damage.empty()) return found;
  const store::Store store = store::Store::open(path);
  std::map<std::string, std::int64_t> centres;
  std::int64_t eligible = 0;
  for (std::int64_t p = 0; p < store.patients(); ++p) {
    ++centres[store.row(p).centre];
    eligible += store.row(p).verdict.eligible() ? 1 : 0;
  }
  found.json["patients"] = store.patients();
  found.json["eligible"] = eligible;
  found.json["centres"] = centres;
  found.json["predict_only"] = store.endpoints().empty();
  found.json["endpoints"] = Json::array();
  for (const EndpointSpec& endpoint : store.endpoints()) found.json["endpoints"].push_back(endpoint.name);
  for (std::size_t m = 0; m < store.modalities().size(); ++m) {
    const store::StoredModality& modality = store.modalities()[m];
    std::map<std::string, std::int64_t> reasons;
    std::int64_t items = 0;
    for (std::int64_t p = 0; p < store.patients(); ++p) {
      ++reasons[std::string(name_of(store.reason(static_cast<int>(m), p)))];
      items += store.items(static_cast<int>(m), p);
    }
    found.json["modalities"][modality.name] = {{"kind", name_of(modality.layout.kind)}, {"dtype", name_of(modality.layout.type)},
                                               {"dims", modality.layout.item},          {"meaning", modality.layout.meaning},
                                               {"known", modality.known.text()},        {"items", items},
                                               {"patients_by_reason", reasons}};
  }
  found.json["features_sha256"] = store.features_sha256();
  found.json["tables_sha256"] = store.tables_sha256();
  if (!options.patient.empty()) found.json["patient"] = patient_json(store, options.patient);
  return found;
}

Finding look_at_run(const fs::path& path, const InspectOptions& options) {
  Finding found = finding(path, "run");
  found.json.update(run_summary(path));
  found.text = headline_of(path);
  if (options.verify) note_verified(found, verify_run(path));
  return found;
}

Finding look_at_cohort(const fs::path& path, const InspectOptions&) {
  Finding found = finding(path, "cohort");
  const Cohort cohort = read_cohort(fs::is_directory(path) ? path / "cohort.yaml" : path);
  std::map<std::string, std::int64_t> centres;
  for (const PatientRecord& patient : cohort.patients) ++centres[patient.centre];
  found.json["patients"] = cohort.patients.size();
  found.json["centres"] = centres;
  found.json["columns"] = cohort.spec.columns.size();
  found.json["modalities"] = Json::object();
  for (const ModalitySpec& modality : cohort.spec.modalities) found.json["modalities"][modality.name] = name_of(modality.kind);
  found.json["queries"] = cohort.queries.size();
  for (const std::string& note : cohort.notes) found.json["notes"].push_back({{"code", "cohort"}, {"text", note}});
  return found;
}

}  // namespace

std::vector<Look> made_looks() {
  return {{"store", [](const fs::path& p) { return fs::exists(store::Names{p}.manifest()) || (fs::is_directory(p) && fs::exists(store::Names{p}.journal())); }, &look_at_store, &export_store},
          {"run", [](const fs::path& p) { return fs::exists(RunFolder{p}.run()) || fs::exists(ValidationFolder{p}.results()); }, &look_at_run},
          {"sweep", &is_sweep, &look_at_sweep},
          {"predictions", &is_predictions, &look_at_predictions},
          {"cohort",
           [](const fs::path& p) {
             return fs::exists(p / "cohort.yaml") || ends_with_one_of(p, {".yaml", ".yml"});
           },
           &look_at_cohort}};
}

}  // namespace hepar::program
