// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/safetensors.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

namespace hepar::engine {

void safetensors_text(const std::vector<NamedValues>& tensors, std::string& out) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::uint64_t at = 0;
  for (const NamedValues& tensor : tensors) {
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.values.size_bytes()}}};
    at += tensor.values.size_bytes();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  out.clear();
  out.reserve(sizeof length + text.size() + at);
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out += text;
  for (const NamedValues& tensor : tensors) out.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes());
}

std::string safetensors_text(const std::vector<NamedValues>& tensors) {
  std::string out;
  safetensors_text(tensors, out);
  return out;
}

std::vector<LoadedTensor> load_safetensors(const std::filesystem::path& path) {
  const auto bad = [&](const std::string& what) { return store_error("is no whole safetensors file: " + what, {path.string()}, "restore it, or train again"); };
  const std::string bytes = read_file(path);
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length) throw bad("too short");
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > bytes.size() - sizeof length) throw bad("its header is cut");
  std::vector<LoadedTensor> tensors;
  try {
    const auto header = nlohmann::ordered_json::parse(bytes.begin() + 8, bytes.begin() + 8 + static_cast<std::ptrdiff_t>(length));
    const std::size_t data = sizeof length + length;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      LoadedTensor tensor{name, entry.at("shape").get<std::vector<std::int64_t>>(), {}};
      const auto offsets = entry.at("data_offsets").get<std::vector<std::uint64_t>>();
      const std::int64_t n = std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1}, std::multiplies<>());
      if (entry.at("dtype") != "F32" || offsets.size() != 2 || offsets[1] - offsets[0] != static_cast<std::uint64_t>(n) * 4 || data + offsets[1] > bytes.size()) throw bad("'" + name + "' does not fit");
      tensor.values.resize(static_cast<std::size_t>(n));
      std::memcpy(tensor.values.data(), bytes.data() + data + offsets[0], tensor.values.size() * 4);
      tensors.push_back(std::move(tensor));
    }
  } catch (const nlohmann::json::exception& error) {
    throw bad(error.what());
  }
  return tensors;
}

std::string parameters_sha256(std::vector<NamedValues> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const NamedValues& a, const NamedValues& b) { return a.name < b.name; });
  Sha256 hash;
  for (const NamedValues& tensor : tensors) {
    std::string sizes;
    for (const std::int64_t extent : tensor.shape) sizes += (sizes.empty() ? "" : ",") + std::to_string(extent);
    hash.update(tensor.name + "\nF32\n" + sizes + "\n");
    hash.update(std::as_bytes(tensor.values));
  }
  return hash.hex();
}

}  // namespace hepar::engine
