// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/sources.hpp"

#include "data/base/files.hpp"

namespace hepar::pack {

std::string to_text(const Sources& sources) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [key, source] : sources) {
    nlohmann::ordered_json failures = nlohmann::ordered_json::array();
    for (const extract::Failure& failure : source.failures) failures.push_back({failure.modality, failure.source, failure.reason});
    out[key] = {{"fingerprint", source.fingerprint}, {"items", source.items}, {"failures", failures}};
  }
  return out.dump();
}

Sources sources_from(const std::string& text) {
  Sources sources;
  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(text);
  for (const auto& [key, value] : json.items()) {
    Source source{value.at("fingerprint"), value.at("items").get<std::vector<std::int64_t>>(), {}};
    for (const auto& failure : value.at("failures")) source.failures.push_back({key, failure.at(0), failure.at(1), failure.at(2)});
    sources[key] = std::move(source);
  }
  return sources;
}

Sources read_sources(const store::Names& names) {
  std::error_code ignored;
  if (!fs::exists(names.sources(), ignored)) return {};
  try {
    return sources_from(read_file(names.sources()));
  } catch (const nlohmann::json::exception& error) {
    throw store_error(std::string("cannot be read: ") + error.what(), {names.sources().string()}, "remove it: everything is then extracted again");
  }
}

}  // namespace hepar::pack
