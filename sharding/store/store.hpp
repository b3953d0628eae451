// SPDX-License-Identifier: Apache-2.0
// A feature store as the trainer, reports and predictions see it. Reading is local, thread-safe and lock-free for
// feature values (pread at known offsets); tables are loaded once at open.
#pragma once

#include "data/cohort/cohort.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/feature.hpp"
#include "data/cohort/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::store {

inline constexpr const char* kSchema = "hepar-store/1";

struct StoredModality {
  std::string name;
  Layout layout;
  KnownAt known;
  std::vector<std::string> columns;  // vectors: which columns, in order
};

// What tables.h5 holds of one patient.
struct PatientRow {
  std::string key, id, centre;
  std::vector<Cell> cells;           // one a `columns()`
  Verdict verdict;
  Assignment assignment;
  std::vector<Outcome> outcomes;     // one an `endpoints()`
  History history;
  FollowUp follow_up;                // days, as recorded
  std::vector<Treatment> treatments; // kind, start and stop days; the rest of a record is not stored
};

struct Manifest;

class Store {
 public:
  // Throws store_error (not a store, another schema version, a missing or cut file). Does not re-hash everything.
  static Store open(const std::filesystem::path& folder);
  Store(Store&&) noexcept;
  ~Store();

  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] const std::string& features_sha256() const;
  [[nodiscard]] const std::string& tables_sha256() const;

  [[nodiscard]] std::int64_t patients() const;                    // all of them, ordered by key
  [[nodiscard]] const PatientRow& row(std::int64_t patient) const;
  [[nodiscard]] const std::vector<ColumnSpec>& columns() const;
  [[nodiscard]] const std::vector<EndpointSpec>& endpoints() const;  // empty: predict-only
  [[nodiscard]] const StrategySpec& strategies() const;
  [[nodiscard]] const std::vector<RuleSpec>& rules() const;
  [[nodiscard]] bool has_histories() const;                       // recurrence and death times, not only direct endpoints

  [[nodiscard]] const std::vector<StoredModality>& modalities() const;  // vectors too
  [[nodiscard]] int modality(std::string_view name) const;        // index, or -1

  // Feature values (not vectors, which are cells). `items` is 0 where absent, 1 for a vector with a usable cell.
  [[nodiscard]] Reason reason(int modality, std::int64_t patient) const;
  [[nodiscard]] std::int64_t items(int modality, std::int64_t patient) const;
  // Reads items [first, first+count) into `out` (count x values_per_item x bytes_of). The patient's hash is checked when
  // the whole feature is read for the first time; store_error names shard, data set and patient otherwise.
  void read(int modality, std::int64_t patient, std::int64_t first, std::int64_t count, std::span<std::byte> out) const;
  [[nodiscard]] std::vector<std::array<std::int32_t, 3>> coords(int modality, std::int64_t patient) const;
  [[nodiscard]] std::vector<std::uint8_t> phase_present(int modality, std::int64_t patient) const;
  // XXH3 of all its values (not for vectors); 0 when there are none.
  [[nodiscard]] std::uint64_t content_hash(int modality, std::int64_t patient) const;
  [[nodiscard]] Facts facts(std::int64_t patient) const;
  // Everything of one feature, as extraction gave it (not for vectors), its hash checked; `detail` is not stored.
  [[nodiscard]] Feature feature(int modality, std::int64_t patient) const;

  [[nodiscard]] std::uint64_t bytes_read() const;  // since open, over all threads

 private:
  struct Impl;
  static std::unique_ptr<Impl> open_as(const std::filesystem::path& folder, const Manifest& manifest);
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Re-hashes every file; returns problems, one a line ("features/shard-0003.h5: /ct/values: SHA-256 differs"); empty: good.
[[nodiscard]] std::vector<std::string> verify(const std::filesystem::path& folder);

}  // namespace hepar::store
