// SPDX-License-Identifier: Apache-2.0
// The one place that knows the file names of a store.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hepar::store {

inline constexpr const char* kFlowSchema = "hepar-flow/1";  // of flow.json

struct Names {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path manifest() const { return root / "store.json"; }
  [[nodiscard]] std::filesystem::path features() const { return root / "features"; }
  [[nodiscard]] std::filesystem::path shard(const std::string& file) const { return features() / file; }
  [[nodiscard]] std::filesystem::path tables() const { return root / "tables.h5"; }
  // New tables until they are tables.h5. They are there before the store.json that names them, and renamed after it: at
  // every moment one of the two names holds what store.json says.
  [[nodiscard]] std::filesystem::path next_tables(const std::string& sha256) const { return root / ("tables-" + sha256.substr(0, 12) + ".h5"); }
  [[nodiscard]] std::filesystem::path flow() const { return root / "flow.json"; }
  [[nodiscard]] std::filesystem::path summary() const { return root / "summary.json"; }
  [[nodiscard]] std::filesystem::path failures() const { return root / "failures.csv"; }
  // What people look at: small pictures, a row a slide and phase, one page of both.
  [[nodiscard]] std::filesystem::path preview() const { return root / "preview"; }
  [[nodiscard]] std::filesystem::path preview(const std::string& file) const { return preview() / file; }
  [[nodiscard]] std::filesystem::path quality_table() const { return root / "quality.csv"; }
  [[nodiscard]] std::filesystem::path quality_page() const { return root / "quality.html"; }
  [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
  [[nodiscard]] std::filesystem::path journal() const { return root / "journal"; }
  [[nodiscard]] std::filesystem::path segments() const { return journal() / "segments"; }
  [[nodiscard]] std::filesystem::path settings() const { return journal() / "settings.json"; }
  // How often each patient was read: a log a writer, and the page that they become when a run ends well.
  [[nodiscard]] std::filesystem::path attempt_logs() const { return journal() / "attempts"; }
  [[nodiscard]] std::filesystem::path attempts() const { return journal() / "attempts.csv"; }
  // What went into a shard, named by its content: who, from which sources, with which result.
  [[nodiscard]] std::filesystem::path packed() const { return journal() / "shards"; }
  [[nodiscard]] std::filesystem::path packed(const std::string& content) const { return packed() / (content + ".json"); }
};

// A shard's name carries its content, so that a new shard never replaces one that store.json still names.
[[nodiscard]] inline std::string shard_name(std::size_t index, const std::string& sha256) {
  const std::string number = std::to_string(index);
  return "shard-" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') + number + "-" + sha256.substr(0, 12) + ".h5";
}

// Likewise a picture's: its stem (study key, modality, number), then a hash of its bytes.
[[nodiscard]] std::string preview_stem(const std::string& key, const std::string& modality, const std::string& picture);
[[nodiscard]] std::string preview_file(const std::string& stem, std::string_view jpeg);
[[nodiscard]] bool is_preview_of(const std::string& file, const std::string& stem);      // whatever its bytes
[[nodiscard]] bool has_bytes(const std::string& file, std::string_view jpeg);  // those that its name was made for

}  // namespace hepar::store
