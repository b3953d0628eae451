// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_run.hpp"

#include "data/base/checkpoint_folder.hpp"
#include "data/base/error.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Json read_one(const fs::path& folder, const DocumentKind& document) {
  return read_sealed(folder / document.file, document.schema, "restore the file, or make it again with this version");
}

// Looks at every part of a run, of a validation or of its folds that carries a hash, or whose hash another part carries. Logs
// (events.jsonl, tensorboard/, trace.json, status.json) have none: they are written on while something runs.
class Verification {
 public:
  explicit Verification(fs::path root) : root_(std::move(root)) {}

  void validation() {
    const ValidationFolder folder{root_};
    const Json plan = sealed_part(root_, kPlanDocument), results = sealed_part(root_, kValidationDocument);
    if (fs::exists(folder.run())) hashed_part(folder.config(), sealed_part(root_, kRunDocument), "config_file_sha256");  // none where nothing was estimable
    if (results.is_object()) {
      hashed_part(folder.predictions(), results.at("provenance"), "predictions_sha256");
      hashed_part(folder.decisions(), results.at("provenance"), "decisions_sha256");
    }
    for (const Json& name : plan.is_object() ? plan.at("folds") : Json::array()) {
      const RunFolder fold{folder.folds() / name.get<std::string>()};
      if (fs::exists(fold.fold())) {
        one_fold(fold);
      } else {
        say(fold.fold(), "missing");
      }
    }
  }

  void document(const DocumentKind& kind) { sealed_part(root_, kind); }

  void run(const RunFolder& folder) {
    checkpoints(folder);
    const Json run = sealed_part(folder.root, kRunDocument);
    hashed_part(folder.config(), run, "config_file_sha256");
    if (!run.is_object() || run.value("status", "") != "finished") return;  // nothing is recorded of its model yet
    model(folder, {run, sealed_part(folder.root, kModelDocument)});
  }

  [[nodiscard]] Verified take() { return std::move(verified_); }

 private:
  void one_fold(const RunFolder& folder) {
    const Json record = sealed_part(folder.root, kFoldDocument);
    if (record.is_object()) hashed_part(folder.predictions(), record, "predictions_sha256");
    if (record.is_object() && !record.value("not_trained", "").empty()) return;
    run(folder);
    if (record.is_object() && fs::exists(folder.model())) model(folder, {record});
  }

  void checkpoints(const RunFolder& folder) {
    for (const fs::path& path : entries_of(folder.checkpoints())) {
      const std::string name = path.filename().string();
      if (!name.starts_with("step-") || !parse_integer(name.substr(5))) continue;  // what a killed run was writing
      const CheckpointFolder files{path};
      hashed_part(files.state(), sealed_part(path, kCheckpointDocument), "state_sha256");
    }
  }

  void model(const RunFolder& folder, const std::vector<Json>& records) {
    if (!fs::exists(folder.model())) return say(folder.model(), "missing");
    ++verified_.files;
    try {
      const std::string hash = parameters_hash(folder.model());
      for (const Json& record : records)
        if (record.is_object() && record.at("parameters_sha256") != hash) say(folder.model(), "parameters_sha256 is not that of " + record.value("schema", ""));
    } catch (const Error& error) {
      verified_.problems.emplace_back(error.what());
    }
  }

  // A sealed document; null when it is damaged, which is said.
  Json sealed_part(const fs::path& folder, const DocumentKind& kind) {
    ++verified_.files;
    try {
      return read_one(folder, kind);
    } catch (const Error& error) {
      verified_.problems.emplace_back(error.what());
      return {};
    }
  }

  // A file whose hash `record` carries under `key`, if it does.
  void hashed_part(const fs::path& file, const Json& record, const char* key) {
    if (!record.is_object() || !record.contains(key)) return;
    ++verified_.files;
    if (!fs::exists(file)) {
      say(file, "missing");
    } else if (sha256_file(file) != record.at(key).get<std::string>()) {
      say(file, "SHA-256 differs");
    }
  }

  void say(const fs::path& part, const std::string& problem) { verified_.problems.push_back(part.lexically_relative(root_).string() + ": " + problem); }

  fs::path root_;
  Verified verified_;
};

}  // namespace

std::string headline_of(const fs::path& folder) {
  if (!fs::exists(ValidationFolder{folder}.results())) return {};
  const Json validation = read_one(folder, kValidationDocument);
  const Json audit = validation.value("audit", Json::object());
  return fmt::format("validation by {}, {} folds, leak audit {}\n{}", validation.value("scheme", ""), validation.value("folds", Json::array()).size(), audit.value("passed", false) ? "passed" : "not passed",
                     validation.value("headline", ""));
}

Json run_summary(const fs::path& folder) {
  Json out;
  if (fs::exists(ValidationFolder{folder}.results())) {
    const Json validation = read_one(folder, kValidationDocument);
    for (const char* key : {"scheme", "pooled"})
      if (validation.contains(key)) out[key] = validation.at(key);
    for (const Json& fold : validation.value("folds", Json::array()))
      out["folds"][fold.value("name", "")] = {{"n", fold.value("n", Json::object())}, {"parameters_sha256", fold.value("parameters_sha256", "")}};
    return out;
  }
  const Json run = read_one(folder, kRunDocument);
  for (const char* key :
       {"status", "parameters_sha256", "features_sha256", "tables_sha256", "config_sha256", "mode", "ranks", "seed", "steps", "epochs", "reproducible"})
    if (run.contains(key)) out[key] = run.at(key);
  return out;
}

std::string parameters_hash(const fs::path& path) {
  const ReadOnlyFile file(path);
  const auto cut = [&] { return store_error("is cut or no safetensors file", {path.string()}, "restore the file or train again"); };
  std::uint64_t length = 0;
  if (file.size() < sizeof length) throw cut();
  file.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > file.size() - sizeof length) throw cut();
  std::string text(length, '\0');
  file.read_at(sizeof length, std::as_writable_bytes(std::span(text)));
  const Json header = Json::parse(text, nullptr, false);
  if (!header.is_object()) throw cut();
  std::map<std::string, Json> tensors;  // byte order of names
  for (const auto& [name, tensor] : header.items())
    if (name != "__metadata__") tensors[name] = tensor;
  Sha256 hash;
  try {
    for (const auto& [name, tensor] : tensors) {
      std::vector<std::string> sizes;
      for (const Json& size : tensor.at("shape")) sizes.push_back(std::to_string(size.get<std::int64_t>()));
      hash.update(fmt::format("{}\n{}\n{}\n", name, tensor.at("dtype").get<std::string>(), join(sizes, ",")));
      const auto first = tensor.at("data_offsets").at(0).get<std::uint64_t>(), last = tensor.at("data_offsets").at(1).get<std::uint64_t>();
      const std::uint64_t start = sizeof length + length;
      if (last < first || last > file.size() - start) throw cut();
      std::vector<std::byte> values(last - first);
      file.read_at(start + first, values);
      hash.update(std::span<const std::byte>(values));
    }
  } catch (const nlohmann::json::exception&) {
    throw cut();
  }
  return hash.hex();
}

Verified verify_run(const fs::path& root) {
  Verification verification(root);
  if (fs::exists(ValidationFolder{root}.results())) {
    verification.validation();
  } else if (fs::exists(root / kEvaluationDocument.file)) {
    verification.document(kEvaluationDocument);
  } else if (fs::exists(root / kSweepDocument.file)) {
    verification.document(kSweepDocument);
  } else {
    verification.run({root});
  }
  return verification.take();
}

}  // namespace hepar::program
