// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_run.hpp"

#include "data/base/error.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Json read_one(const fs::path& folder, const DocumentKind& document) {
  return read_sealed(folder / document.file, document.schema, "restore the file, or make it again with this version");
}

void verify_hash(const fs::path& file, const std::string& expected, const std::string& part, std::vector<std::string>& problems) {
  std::error_code none;
  if (!fs::exists(file, none)) {
    problems.push_back(part + ": missing");
  } else if (sha256_file(file) != expected) {
    problems.push_back(part + ": SHA-256 differs");
  }
}

// A run that has not ended has recorded nothing of its model yet.
void verify_one(const RunFolder& folder, const std::string& name, std::vector<std::string>& problems) {
  try {
    if (read_one(folder.root, kRunDocument).value("status", "") != "finished") return;
    if (!fs::exists(folder.model())) {
      problems.push_back(name + folder.model().filename().string() + ": missing");
      return;
    }
    const std::string hash = parameters_hash(folder.model());
    for (const DocumentKind& document : {kRunDocument, kModelDocument})
      if (read_one(folder.root, document).at("parameters_sha256") != hash) problems.push_back(name + folder.model().filename().string() + ": parameters_sha256 differs from " + document.file);
    if (fs::exists(folder.fold())) verify_hash(folder.predictions(), read_one(folder.root, kFoldDocument).at("predictions_sha256"), name + folder.predictions().filename().string(), problems);
  } catch (const Error& error) {
    problems.push_back(error.what());
  }
}

}  // namespace

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

std::vector<std::string> verify_run(const fs::path& root) {
  std::vector<std::string> problems;
  const ValidationFolder folder{root};
  const bool validation = fs::exists(folder.results());  // its weights lie in its folds
  if (validation) verify_hash(folder.predictions(), read_one(root, kValidationDocument).at("provenance").at("predictions_sha256"), folder.predictions().filename().string(), problems);
  if (!validation && fs::exists(folder.run())) verify_one({root}, "", problems);
  std::error_code none;
  std::vector<fs::path> folds;
  for (const fs::directory_entry& fold : fs::directory_iterator(folder.folds(), none))
    if (fs::exists(RunFolder{fold.path()}.run())) folds.push_back(fold.path());
  std::sort(folds.begin(), folds.end());
  for (const fs::path& fold : folds) verify_one({fold}, fold.lexically_relative(root).string() + "/", problems);
  return problems;
}

}  // namespace hepar::program
