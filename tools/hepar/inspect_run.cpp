// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/inspect_run.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRunSchema = "hepar-run/1";

Json read_json(const fs::path& path) {
  Json json = Json::parse(read_file(path), nullptr, false);
  if (json.is_discarded()) throw store_error("is not JSON", {path.string()}, "restore the file");
  return json;
}

void verify_one(const fs::path& folder, const std::string& name, std::vector<std::string>& problems) {
  const fs::path model = folder / "model.safetensors";
  if (!fs::exists(model)) {
    problems.push_back(name + "model.safetensors: missing");
    return;
  }
  const Json run = read_json(folder / "run.json");
  try {
    if (parameters_hash(model) != run.value("parameters_sha256", "")) problems.push_back(name + "model.safetensors: parameters_sha256 differs from run.json");
  } catch (const Error& error) {
    problems.push_back(error.what());
  }
}

}  // namespace

Json run_summary(const fs::path& folder) {
  Json out;
  if (fs::exists(folder / "validation.json")) {
    const Json validation = read_json(folder / "validation.json");
    for (const char* key : {"scheme", "pooled"})
      if (validation.contains(key)) out[key] = validation.at(key);
    for (const Json& fold : validation.value("folds", Json::array()))
      out["folds"][fold.value("name", "")] = {{"n", fold.value("n", Json::object())}, {"parameters_sha256", fold.value("parameters_sha256", "")}};
    return out;
  }
  const Json run = read_json(folder / "run.json");
  if (const std::string schema = run.value("schema", kRunSchema); schema != kRunSchema)
    throw store_error("another schema version: " + schema + " (this program reads " + kRunSchema + ")", {(folder / "run.json").string()});
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
      hash.update(fmt::format("{}\n{}\n{}\n", name, tensor.at("dtype").get<std::string>(), fmt::join(sizes, ",")));
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
  const bool validation = fs::exists(folder / "validation.json");  // its weights lie in its folds
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
