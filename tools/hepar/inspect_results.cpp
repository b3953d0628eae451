// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_results.hpp"

#include "data/base/files.hpp"
#include "data/base/prediction_files.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "data/base/special.hpp"
#include "data/base/table.hpp"
#include "tools/hepar/inspect_run.hpp"

#include <fstream>
#include <map>
#include <set>
#include <utility>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

// The seal's file, that of the predictions and that of the recommendations.
Verified verify_sealed(const fs::path& path) {
  const Json seal = read_sealed(PredictionFiles{path}.seal(), kSealSchema, "restore the file");
  Verified verified{{}, 1};
  for (const char* part : {"predictions", "decisions"}) {
    const Json entry = seal.value(part, Json());
    if (!entry.is_object()) continue;
    const fs::path file = path.parent_path() / entry.at("file").get<std::string>();
    std::error_code ignored;
    ++verified.files;
    if (!fs::exists(file, ignored))
      verified.problems.push_back(file.filename().string() + ": missing");
    else if (sha256_file(file) != entry.at("sha256").get<std::string>())
      verified.problems.push_back(file.filename().string() + ": SHA-256 differs from the seal's");
  }
  return verified;
}

}  // namespace

bool is_sweep(const fs::path& path) {
  std::error_code ignored;
  const SweepFolder folder{path};
  return fs::exists(folder.results(), ignored) || (fs::exists(folder.search(), ignored) && fs::exists(folder.plan(), ignored));
}

Finding look_at_sweep(const fs::path& path, const InspectOptions& options) {
  Finding found = finding(path, "sweep");
  std::error_code ignored;
  if (!fs::exists(SweepFolder{path}.results(), ignored)) {
    found.json["usable"] = false;
    found.json["reason"] = "is not finished; hepar status " + path.string() + " shows its trials";
    return found;
  }
  if (options.verify) note_verified(found, verify_run(path));
  if (!found.damage.empty()) return found;
  const Json sweep = read_sealed(SweepFolder{path}.results(), kSweepDocument.schema, "remove it, and the sweep's command makes it again from its trials");
  std::map<std::string, std::int64_t> states;
  for (const Json& trial : sweep.at("trials")) ++states[trial.at("state").get<std::string>()];
  found.json["objective"] = sweep.at("objective").at("name");
  found.json["endpoints"] = sweep.at("objective").at("endpoints");
  found.json["hold_out"] = sweep.at("hold_out");
  found.json["patients"] = sweep.at("patients");
  found.json["trials"] = states;
  for (const Json& trial : sweep.at("trials"))
    if (trial.at("trial") == sweep.at("best"))
      found.json["best"] = {{"trial", trial.at("trial")}, {"value", trial.at("value")}, {"steps", trial.at("steps")}, {"settings", trial.at("settings")}};
  for (const char* key : {"features_sha256", "tables_sha256", "config_sha256"}) found.json[key] = sweep.at("provenance").value(key, "");
  return found;
}

bool is_predictions(const fs::path& path) {
  if (!ends_with_one_of(path, {".csv"}) || is_special(path)) return false;
  std::string header;
  std::getline(std::ifstream(path), header);
  return header.starts_with(kPredictionColumns);
}

Finding look_at_predictions(const fs::path& path, const InspectOptions& options) {
  Finding found = finding(path, "predictions");
  const Table table = Table::read(path);
  std::set<std::pair<std::string, std::string>> patients;
  std::set<std::string> folds;
  std::map<std::string, std::int64_t> endpoints, strategies;
  const auto column = [&](const char* name) { return table.require(name); };
  const std::size_t id = column("patient_id"), centre = column("centre"), fold = column("fold"), endpoint = column("endpoint"), strategy = column("strategy");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    patients.emplace(table.at(row, centre), table.at(row, id));
    if (!table.at(row, fold).empty()) folds.insert(table.at(row, fold));
    ++endpoints[table.at(row, endpoint)];
    ++strategies[table.at(row, strategy)];
  }
  found.json["rows"] = table.rows();
  found.json["patients"] = patients.size();
  found.json["folds"] = folds.size();
  found.json["rows_by_endpoint"] = endpoints;
  found.json["rows_by_strategy"] = strategies;
  std::error_code ignored;
  found.json["sealed"] = fs::exists(PredictionFiles{path}.seal(), ignored);
  if (options.verify && found.json.at("sealed").get<bool>()) note_verified(found, verify_sealed(path));
  return found;
}

}  // namespace hepar::program
