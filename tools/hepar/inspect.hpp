// SPDX-License-Identifier: Apache-2.0
// What `hepar inspect` finds in a path. What Hepar made and cohorts are looked at by every build, raw files by the ingest half.
#pragma once

#include "tools/hepar/inspect_export.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::program {

struct InspectOptions {
  bool verify = false;
  std::string patient;
  double um_per_pixel = 0;  // 0: not given
  std::string export_to, layout = "clam";
};

struct Finding {
  nlohmann::ordered_json json;      // the object of the contract
  std::vector<std::string> damage;  // --verify
  std::string text = {};            // what people read in place of the object, if not empty
  [[nodiscard]] bool readable() const { return json.at("readable"); }
};
[[nodiscard]] Finding finding(const std::filesystem::path& path, std::string_view kind);
[[nodiscard]] Finding refused(const std::filesystem::path& path, std::string_view kind, const std::string& reason);

// --verify: what was wrong, and how many files were looked at by their hashes.
struct Verified {
  std::vector<std::string> problems;
  std::size_t files = 0;
};
void note_verified(Finding& found, const Verified& verified);

[[nodiscard]] bool ends_with_one_of(const std::filesystem::path& path, std::initializer_list<const char*> ends);

// What a path may be: the first of a list that takes it looks at it.
struct Look {
  const char* name;
  bool (*takes)(const std::filesystem::path&);
  Finding (*look)(const std::filesystem::path&, const InspectOptions&);
  std::size_t (*write)(const std::filesystem::path&, const ExportRequest&) = nullptr;  // --export
};
// Stores, runs, sweeps, predictions and cohort folders.
[[nodiscard]] std::vector<Look> made_looks();
// Raw files; the last takes everything. A build without the ingest half says that it reads none.
[[nodiscard]] std::vector<Look> raw_looks();

}  // namespace hepar::program
