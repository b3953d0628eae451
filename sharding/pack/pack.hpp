// SPDX-License-Identifier: Apache-2.0
// A cohort to a store: extraction shared out over ranks, shards whose content depends on the cohort alone, tables.
#pragma once

#include "data/base/log.hpp"
#include "data/cohort/cohort.hpp"
#include "data/pathology/tile_encoder.hpp"
#include "sharding/mpi/session.hpp"
#include "sharding/store/shard_file.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::pack {

struct ShardPlan { std::int64_t first = 0, patients = 0; };

// Cuts the patients (in the order of keys) into shards of at most `bytes` of values and `patients` patients. Depends on
// keys and sizes alone, so every rank count gives the same shards.
[[nodiscard]] std::vector<ShardPlan> plan_shards(const std::vector<store::PatientSize>& sizes, const std::vector<store::StoredModality>& modalities,
                                                 std::uint64_t bytes = std::uint64_t{256} << 20, std::int64_t patients = 2048);

struct Request {
  std::filesystem::path cohort, out;
  bool dry_run = false, retry_failed = false, fresh = false;
  pathology::EncoderFactory encoder = &pathology::builtin_encoder;  // makes the tile encoders that bags name
};

struct Summary {
  std::int64_t patients = 0, extracted = 0, reused = 0, shards = 0, shards_written = 0, failures = 0;
  std::uint64_t feature_bytes = 0;  // with dry_run, what would be added, about
  std::uint64_t source_bytes = 0;   // to read; with dry_run, what would be read
  double predicted_seconds = 0;     // dry_run only
  bool changed = false;             // false: the store was finished and nothing in the cohort had changed
  std::string features_sha256, tables_sha256;
  std::string flow_text;            // rank 0
  std::vector<std::string> notes;
};

// Collective. Throws store_error (exit 4) when the store was made with other extraction settings, input_error when no
// patient could be read at all.
[[nodiscard]] Summary build_store(const Request& request, const mpi::Communicator& world, const Console& console);

}  // namespace hepar::pack
