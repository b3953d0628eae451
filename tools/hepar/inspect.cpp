// SPDX-License-Identifier: Apache-2.0
// `hepar inspect`: what Hepar sees in a store, run, cohort folder, image, feature file or report, or why it is refused.
#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "data/cohort/cells.hpp"
#include "data/pathology/slide.hpp"
#include "data/pathology/tile_features.hpp"
#include "data/reports/attributes.hpp"
#include "data/reports/sequence.hpp"
#include "data/reports/tokens.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/store.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/inspect_export.hpp"
#include "tools/hepar/inspect_image.hpp"
#include "tools/hepar/inspect_run.hpp"
#include "tools/hepar/inspect_slide.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  bool verify = false;
  std::string patient;
  double um_per_pixel = 0;  // 0: not given
  std::string export_to, layout = "clam";
};

struct Finding {
  Json json;                          // the object of the contract
  std::vector<std::string> damage;    // --verify
  [[nodiscard]] bool readable() const { return json.at("readable"); }
};

Finding finding(const fs::path& path, std::string_view kind) {
  return {{{"path", path.string()}, {"kind", kind}, {"readable", true}, {"usable", true}, {"reason", nullptr}, {"notes", Json::array()}}, {}};
}

Finding refused(const fs::path& path, std::string_view kind, const std::string& reason) {
  Finding found = finding(path, kind);
  found.json["readable"] = found.json["usable"] = false;
  found.json["reason"] = reason;
  return found;
}

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
      json["modalities"][store.modalities()[m].name] = {{"reason", name_of(store.reason(static_cast<int>(m), p))}, {"items", store.items(static_cast<int>(m), p)}};
    for (const auto& [name, fact] : store.facts(p)) json["facts"][name] = {{"value", fact.text}, {"source", fact.source}, {"confidence", fact.confidence}};
    return json;
  }
  throw input_error("the store has no patient '" + key + "'", {store.path().string()}, "see patient/key in its tables.h5");
}

Finding look_at_store(const fs::path& path, const Options& options) {
  Finding found = finding(path, "store");
  // Damage is looked for first: a damaged store may not open, and which part it is matters more.
  if (options.verify) found.damage = store::verify(path);
  if (!found.damage.empty()) {
    found.json["usable"] = false;
    found.json["reason"] = found.damage.front();
    return found;
  }
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
    found.json["modalities"][modality.name] = {{"kind", name_of(modality.layout.kind)}, {"dtype", name_of(modality.layout.type)}, {"dims", modality.layout.item}, {"meaning", modality.layout.meaning},
                                               {"known", modality.known.text()}, {"items", items}, {"patients_by_reason", reasons}};
  }
  found.json["features_sha256"] = store.features_sha256();
  found.json["tables_sha256"] = store.tables_sha256();
  if (!options.patient.empty()) found.json["patient"] = patient_json(store, options.patient);
  return found;
}

Finding look_at_run(const fs::path& path, const Options& options) {
  Finding found = finding(path, "run");
  found.json.update(run_summary(path));
  if (options.verify) found.damage = verify_run(path);
  if (!found.damage.empty()) {
    found.json["usable"] = false;
    found.json["reason"] = found.damage.front();
  }
  return found;
}

Finding look_at_cohort(const fs::path& path, const Options&) {
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

Finding look_at_features(const fs::path& path, const Options&) {
  const pathology::TileFeatures tiles = pathology::read_tile_features(path);
  if (tiles.reason != Reason::present && tiles.count > 0) {
    Finding found = finding(path, "bag");
    found.json["usable"] = false;
    found.json["reason"] = tiles.detail;
    found.json["tiles"] = tiles.count;
    found.json["dimension"] = 0;
    return found;
  }
  if (tiles.reason != Reason::present) return refused(path, "bag", tiles.detail.empty() ? std::string(name_of(tiles.reason)) : tiles.detail);
  Finding found = finding(path, "bag");
  found.json["tiles"] = tiles.count;
  found.json["dimension"] = tiles.width;
  return found;
}

Finding look_at_slide(const fs::path& path, const Options& options) {
  Finding found = finding(path, "bag");
  describe_slide(path, options.um_per_pixel > 0 ? std::optional(options.um_per_pixel) : std::nullopt, found.json);
  return found;
}

Finding look_at_image(const fs::path& path, const Options&) {
  Finding found = finding(path, "volume");
  found.json.update(image_summary(path));
  return found;
}

Finding look_at_report(const fs::path& path, const Options&) {
  PatientRecord patient;
  ReportRow row;
  row.path = path;
  patient.reports.push_back(row);
  ModalitySpec modality;
  modality.name = "report";
  modality.kind = Kind::sequence;
  Facts facts;
  const Feature feature = reports::read_sequence(patient, modality, facts);
  if (!feature.present()) return refused(path, "sequence", feature.detail.empty() ? std::string(name_of(feature.reason)) : feature.detail);
  const std::optional<Decoded> decoded = decode_text(read_file(path));
  Finding found = finding(path, "sequence");
  found.json["tokens"] = feature.items;
  found.json["language"] = reports::language_of(decoded->text);
  found.json["attributes"] = Json::object();
  for (const reports::Attribute& attribute : reports::attributes_of(decoded->text))
    found.json["attributes"][attribute.name] = {{"value", attribute.value}, {"text", attribute.text}, {"start", attribute.start}, {"end", attribute.end}, {"rule", attribute.rule}, {"confidence", attribute.confidence}};
  return found;
}

bool holds(const fs::path& path, const char* name) { return fs::exists(path / name); }
bool ends_with_one_of(const fs::path& path, std::initializer_list<const char*> ends) {
  const std::string name = fold_case(path.filename().string());
  return std::any_of(ends.begin(), ends.end(), [&](const char* end) { return name.ends_with(end); });
}

// What a path is, in order: the first that takes it looks at it.
struct Look {
  const char* name;
  bool (*takes)(const fs::path&);
  Finding (*look)(const fs::path&, const Options&);
  std::size_t (*write)(const fs::path&, const ExportRequest&) = nullptr;  // --export
};
const std::array<Look, 7> kKinds{{
    {"store", [](const fs::path& p) { return holds(p, "store.json") || (fs::is_directory(p) && holds(p, "journal")); }, &look_at_store, &export_store},
    {"run", [](const fs::path& p) { return holds(p, "run.json") || holds(p, "validation.json"); }, &look_at_run},
    {"cohort", [](const fs::path& p) { return holds(p, "cohort.yaml") || ends_with_one_of(p, {".yaml", ".yml"}); }, &look_at_cohort},
    {"bag", [](const fs::path& p) { return ends_with_one_of(p, {".h5", ".hdf5"}); }, &look_at_features, &export_feature_file},
    {"bag", [](const fs::path& p) { return pathology::takes_slide(p); }, &look_at_slide, &export_mask},
    {"sequence", [](const fs::path& p) { return ends_with_one_of(p, {".txt", ".md", ".report"}); }, &look_at_report},
    {"volume", [](const fs::path&) { return true; }, &look_at_image},
}};

Finding look(const fs::path& path, const Options& options) {
  std::error_code missing;
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Look& one) { return one.takes(path); });
  if (!fs::exists(path, missing)) return refused(path, kind->name, "does not exist");
  try {
    return kind->look(path, options);
  } catch (const Error& error) {
    // A damaged store or run and a patient that is not there are the command's error, with their own exit code.
    if (std::string_view(kind->name) == "store" || std::string_view(kind->name) == "run") throw;
    return refused(path, kind->name, error.what());
  }
}

std::size_t write_files(const fs::path& path, const Options& options) {
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Look& one) { return one.takes(path); });
  std::error_code missing;
  if (!fs::exists(path, missing)) throw input_error("does not exist", {path.string()});
  if (kind->write == nullptr) throw usage_error("there is nothing to export from a " + std::string(kind->name), {path.string()}, "a store or feature file gives tile features, a slide its tissue mask");
  return kind->write(path, {options.export_to, options.layout, options.patient, options.um_per_pixel > 0 ? std::optional(options.um_per_pixel) : std::nullopt});
}

void print(const Finding& found) {
  const Json& json = found.json;
  fmt::print("{}: {}{}\n", json.at("path").get<std::string>(), json.at("kind").get<std::string>(), json.at("usable").get<bool>() ? "" : ", not usable: " + json.at("reason").get<std::string>());
  for (const auto& [key, value] : json.items()) {
    if (key == "path" || key == "kind" || key == "readable" || key == "usable" || key == "reason" || key == "notes") continue;
    if (!value.is_object()) {
      fmt::print("  {:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
      continue;
    }
    fmt::print("  {}\n", key);
    for (const auto& [inner, one] : value.items()) fmt::print("    {:<24} {}\n", inner, one.is_string() ? one.get<std::string>() : one.dump());
  }
  for (const Json& note : json.at("notes")) fmt::print("  note: {}\n", note.at("text").get<std::string>());
  for (const std::string& damage : found.damage) fmt::print("  damaged: {}\n", damage);
}

class Inspect : public Command {
 public:
  std::string_view name() const override { return "inspect"; }
  std::string_view summary() const override { return "what Hepar sees in a store, run, cohort, image, feature file or report"; }
  std::string_view example() const override { return "hepar inspect store --verify"; }
  std::string_view positional() const override { return "PATH…: what to look at"; }
  std::vector<Row> rows() override {
    return {row("verify", options_.verify, "re-hash a store or run"), row("patient", options_.patient, "show this patient of a store"), row("um_per_pixel", options_.um_per_pixel, {0, 100}, "um", "of a slide whose file does not say it"),
            row("export", options_.export_to, "folder for tile features (of a store or feature file) or the tissue mask (of a slide, GeoJSON)"), row("layout", options_.layout, {"clam", "trident"}, "of exported tile features")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    mpi::together(context.world, [&] {
      if (context.world.root()) inspect(context, words);
    });
    return ExitCode::done;
  }

 private:
  void inspect(const Context& context, const std::vector<std::string>& words) const {
    if (words.empty()) throw usage_error("'inspect' needs a path", {}, "example: " + std::string(example()));
    if (!options_.export_to.empty()) {
      std::size_t files = 0;
      for (const std::string& word : words) files += write_files(word, options_);
      fmt::print("{}: {} file{}\n", options_.export_to, files, files == 1 ? "" : "s");
      return;
    }
    std::vector<Finding> findings;
    for (const std::string& word : words) findings.push_back(look(word, options_));
    Json all = Json::array();
    for (const Finding& found : findings) {
      if (!context.json) print(found);
      all.push_back(found.json);
    }
    if (context.json) fmt::print("{}\n", all.dump(1));
    std::fflush(stdout);
    for (const Finding& found : findings)
      if (!found.damage.empty()) throw store_error("is damaged: " + found.damage.front(), {found.json.at("path").get<std::string>()}, "restore the file, or make it again");
    for (const Finding& found : findings)
      if (!found.readable()) throw input_error("cannot be read: " + found.json.at("reason").get<std::string>(), {found.json.at("path").get<std::string>()}, "see data formats in the README");
  }

  Options options_;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<Inspect>(); }

}  // namespace hepar::program
