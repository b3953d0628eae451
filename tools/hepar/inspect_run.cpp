// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_run.hpp"

#include "data/base/error.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

struct Sealed {
  const char* file;
  const char* schema;
};
constexpr Sealed kRun{"run.json", "hepar-run/1"}, kModel{"model.json", "hepar-model/1"}, kFold{"fold.json", "hepar-fold/1"}, kValidation{"validation.json", "hepar-validation/1"};

Json read_one(const fs::path& folder, const Sealed& document) { return read_sealed(folder / document.file, document.schema, "restore the file, or make it again with this version"); }

void verify_hash(const fs::path& file, const std::string& expected, const std::string& part, std::vector<std::string>& problems) {
  std::error_code none;
  if (!fs::exists(file, none)) {
    problems.push_back(part + ": missing");
  } else if (sha256_file(file) != expected) {
    problems.push_back(part + ": SHA-256 differs");
  }
}

void verify_one(const fs::path& folder, const std::string& name, std::vector<std::string>& problems) {
  const fs::path model = folder / "model.safetensors";
  if (!fs::exists(model)) {
    problems.push_back(name + "model.safetensors: missing");
    return;
  }
  try {
    const std::string hash = parameters_hash(model);
    for (const Sealed& document : {kRun, kModel})
      if (read_one(folder, document).at("parameters_sha256") != hash) problems.push_back(name + "model.safetensors: parameters_sha256 differs from " + document.file);
    if (fs::exists(folder / kFold.file)) verify_hash(folder / "predictions.csv", read_one(folder, kFold).at("predictions_sha256"), name + "predictions.csv", problems);
  } catch (const Error& error) {
    problems.push_back(error.what());
  }
}

}  // namespace

Json run_summary(const fs::path& folder) {
  Json out;
  if (fs::exists(folder / "validation.json")) {
    const Json validation = read_one(folder, kValidation);
    for (const char* key : {"scheme", "pooled"})
      if (validation.contains(key)) out[key] = validation.at(key);
    for (const Json& fold : validation.value("folds", Json::array()))
      out["folds"][fold.value("name", "")] = {{"n", fold.value("n", Json::object())}, {"parameters_sha256", fold.value("parameters_sha256", "")}};
    return out;
  }
  const Json run = read_one(folder, kRun);
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

std::vector<std::string> verify_run(const fs::path& folder) {
  std::vector<std::string> problems;
  const bool validation = fs::exists(folder / kValidation.file);  // its weights lie in its folds
  if (validation) verify_hash(folder / "predictions.csv", read_one(folder, kValidation).at("provenance").at("predictions_sha256"), "predictions.csv", problems);
  if (!validation && fs::exists(folder / "run.json")) verify_one(folder, "", problems);
  std::error_code none;
  std::vector<fs::path> folds;
  for (const fs::directory_entry& fold : fs::directory_iterator(folder / "folds", none))
    if (fs::exists(fold.path() / "run.json")) folds.push_back(fold.path());
  std::sort(folds.begin(), folds.end());
  for (const fs::path& fold : folds) verify_one(fold, "folds/" + fold.filename().string() + "/", problems);
  return problems;
}

}  // namespace hepar::program
