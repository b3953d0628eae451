// SPDX-License-Identifier: Apache-2.0
// The state of one `hepar shard` while it runs; for the .cpp files of this room only.
#pragma once

#include "data/base/status.hpp"
#include "sharding/pack/holdings.hpp"
#include "sharding/pack/pack.hpp"
#include "sharding/pack/tables.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hepar::pack {

using Times = std::map<std::string, double>;

// Adds the seconds of its life to an entry.
class Timer {
 public:
  Timer(Times& times, std::string name) : times_(times), name_(std::move(name)) {}
  Timer(const Timer&) = delete;
  ~Timer() { times_[name_] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  Times& times_;
  std::string name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Builder {
 public:
  Builder(const Request& request, const mpi::Communicator& world, const Console& console) : request_(request), world_(world), console_(console), names_{request.out} {}
  [[nodiscard]] Summary run();  // collective

 private:
  // build.cpp; rank 0 looks at the disk and the others are told, so that all ranks see one state.
  void open();                       // every rank: the cohort and what is to be made of it
  void check_folder() const;         // rank 0
  void take_stock();                 // rank 0: what is there, what must be extracted
  void share_plan();                 // collective
  void begin();                      // rank 0
  void working(const std::string& phase);  // rank 0: from here to "finished" the folder is not as its store.json says
  void share_status();
  void extract_missing();            // collective
  void share_holdings();             // collective
  void check_readable();             // rank 0
  void fail(const Error& error);
  // shards.cpp
  void pack_shards();                // collective
  [[nodiscard]] PackedShard pack_one(std::size_t index, const ShardPlan& plan, const std::string& content);
  [[nodiscard]] store::PatientFeatures load(const Holding& holding);
  [[nodiscard]] std::vector<std::string> keys_of(const ShardPlan& plan) const;
  // previews.cpp
  void publish_previews();           // collective
  [[nodiscard]] std::vector<std::string> previews() const;  // of all patients
  // publish.cpp
  [[nodiscard]] Summary predict();
  void share_memory();               // collective
  void publish_all();                // rank 0
  void publish_attempts();
  void publish_texts(const JudgedTables& judged, const FactsByKey& facts);
  void tidy() const;
  [[nodiscard]] bool finished() const;

  struct OpenShard {
    store::ShardReader reader;
    std::vector<Facts> facts;
  };

  const Request& request_;
  const mpi::Communicator& world_;
  const Console& console_;
  store::Names names_;
  Cohort cohort_;
  extract::Recipe recipe_;
  std::string settings_, recipe_hash_;
  std::vector<std::string> fingerprints_;         // by patient
  std::vector<std::int64_t> tasks_;               // patients to extract
  std::map<std::string, PackedShard> packed_;     // rank 0: finished shards by content
  Holdings holdings_;
  std::int64_t generation_ = 0;                   // of this run's segments and shards
  std::map<std::string, OpenShard> open_shards_;  // those that patients are taken from
  store::Manifest manifest_;
  std::vector<std::string> contents_;             // of the manifest's shards
  std::vector<std::int64_t> memory_;              // peak bytes by rank
  StatusFile status_{names_.status()};
  Times times_;
  Summary summary_;
};

}  // namespace hepar::pack
