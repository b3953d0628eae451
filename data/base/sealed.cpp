// SPDX-License-Identifier: Apache-2.0
#include "data/base/sealed.hpp"

#include "data/base/error.hpp"

#include <nlohmann/json.hpp>

namespace hepar {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSeal = "content_sha256";

}  // namespace

std::string sealed(Json document, int indent) {
  document.erase(kSeal);
  document[kSeal] = sha256(document.dump());
  return document.dump(indent) + "\n";
}

Json read_sealed(const fs::path& path, std::string_view schema, const std::string& remedy) {
  Json document = Json::parse(read_file(path), nullptr, false);
  if (!document.is_object()) throw store_error("cannot be read: it is no JSON document", {path.string()}, remedy);
  const auto text = [&](const char* key) { return document.contains(key) && document[key].is_string() ? document[key].get<std::string>() : std::string("none"); };
  if (const std::string found = text("schema"); found != schema)
    throw store_error("another schema version: " + found + " (this program reads " + std::string(schema) + ")", {path.string()}, remedy);
  const std::string seal = text(kSeal);
  document.erase(kSeal);
  if (seal != sha256(document.dump())) throw store_error("its content is not what was written (content_sha256 differs)", {path.string()}, remedy);
  return document;
}

}  // namespace hepar
