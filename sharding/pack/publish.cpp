// SPDX-License-Identifier: Apache-2.0
// The end of `hepar shard`: tables, store.json, and what people read about the run.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/table.hpp"
#include "sharding/extract/attempts.hpp"
#include "sharding/pack/builder.hpp"
#include "sharding/pack/quality.hpp"
#include "sharding/store/writer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;

// Where nothing was measured yet: what two cores of 2023 did on tile features and NIfTI.
constexpr double kBytesPerSecond = 60e6, kPatientsPerSecond = 150;

void remove_others(const fs::path& folder, const std::set<std::string>& kept) {
  for (const fs::path& entry : entries_of(folder)) {
    std::error_code failed;
    if (kept.contains(entry.filename().string()) || fs::remove(entry, failed) || !failed) continue;
    errno = failed.value();
    throw disk_error("cannot remove what no store.json names", {entry.string()});
  }
}

}  // namespace

// By what was measured on this cohort, if it was; else by the figures above.
Summary Builder::predict() {
  double bytes_per_second = kBytesPerSecond, patients_per_second = kPatientsPerSecond, seconds = 0, bytes = 0, read = 0;
  for (const auto& [key, one] : extract::read_attempts(names_.attempts(), names_.attempt_logs())) {
    if (one.ended == 0) continue;
    seconds += one.seconds;
    bytes += static_cast<double>(one.bytes);
    read += 1;
  }
  constexpr double kEnough_s = 1;
  if (seconds > kEnough_s && bytes > 0) {
    bytes_per_second = bytes / seconds;
    patients_per_second = read / seconds * 10;  // bytes decide; of tiny files no more than this
  }
  summary_.predicted_seconds = 1 + std::max(static_cast<double>(summary_.source_bytes) / bytes_per_second, static_cast<double>(summary_.extracted) / patients_per_second) / world_.size();
  constexpr double kShardBytes = 200e6, kShardPatients = 1500;
  summary_.shards = static_cast<std::int64_t>(1 + std::max(static_cast<double>(summary_.feature_bytes) / kShardBytes, static_cast<double>(summary_.patients) / kShardPatients));
  return std::move(summary_);
}

// The logs of this run and of killed ones become one page; whom a killed run was reading is said.
void Builder::publish_attempts() {
  extract::AttemptsByKey attempts = extract::read_attempts(names_.attempts(), names_.attempt_logs());
  std::erase_if(attempts, [&](const auto& one) { return !holdings_.contains(one.first); });
  for (const auto& [key, one] : attempts)
    if (one.begun > one.ended) summary_.notes.push_back("patient " + key + ": of " + std::to_string(one.begun) + " attempts " + std::to_string(one.begun - one.ended) + " ended with the process (journal/attempts.csv)");
  publish(names_.attempts(), extract::attempts_page(attempts));
  remove_others(names_.attempt_logs(), {});
}

void Builder::share_memory() {
  memory_.assign(static_cast<std::size_t>(world_.size()), 0);
  memory_[static_cast<std::size_t>(world_.rank())] = peak_memory_bytes();
  world_.all_reduce_sum(std::span(memory_));
}

void Builder::publish_all() {
  FactsByKey facts;
  {
    const Timer timer(times_, "facts_seconds");
    std::size_t patient = 0;
    for (const store::ShardEntry& shard : manifest_.shards)
      for (Facts& one : store::read_shard_facts(names_.shard(shard.file))) facts[cohort_.patients.at(patient++).key] = std::move(one);
  }
  std::optional<Timer> timer(std::in_place, times_, "tables_seconds");
  const JudgedTables judged = judge_tables(cohort_, facts);
  const std::string image = store::tables_image(judged.tables);
  const std::vector<std::string> pictures = previews();
  manifest_.previews = static_cast<std::int64_t>(pictures.size());
  manifest_.preview_sha256 = store::preview_hash(pictures);
  store::complete_manifest(manifest_, judged.tables, image);
  summary_.features_sha256 = manifest_.features_sha256;
  summary_.tables_sha256 = manifest_.tables_sha256;
  summary_.flow_text = judged.flow.text();
  summary_.changed = status_.begun() || !finished() || !store::is_published(names_.root, manifest_);
  if (!summary_.changed) return;
  working("publish");
  status_.check();
  store::publish_tables(names_.root, manifest_, image);
  timer.reset();
  for (std::size_t i = 0; i < contents_.size(); ++i) {
    const auto found = packed_.find(contents_[i]);
    if (found == packed_.end() || found->second.entry.file != manifest_.shards[i].file) continue;
    // Sources that were touched without giving anything new: remember them as read.
    PackedShard shard = found->second;
    bool touched = false;
    for (auto& [key, holding] : shard.patients) {
      const Holding& now = holdings_.at(key);
      touched = touched || now.fingerprint != holding.fingerprint || now.previews != holding.previews;
      holding.fingerprint = now.fingerprint;
      holding.previews = now.previews;
    }
    shard.generation = generation_;
    if (touched) publish_packed(names_, shard);
  }
  publish_attempts();
  publish_texts(judged, facts);
  tidy();
  status_.publish({.state = "finished", .phase = "shard", .message = "the store is complete"});
}

// The last word of the run before this one, which may have been cut off between two of its files.
bool Builder::finished() const {
  const std::optional<Status> before = read_status(names_.status());
  return before && before->state == "finished";
}

void Builder::publish_texts(const JudgedTables& judged, const FactsByKey& facts) {
  Json flow{{"schema", store::kFlowSchema}, {"tables_sha256", manifest_.tables_sha256}};
  flow.update(Json::parse(judged.flow.json()));
  publish(names_.flow(), sealed(std::move(flow)));
  std::string failures = csv_line({"patient_id", "modality", "source", "reason"});
  for (const PatientRecord& patient : cohort_.patients)
    for (const extract::Failure& failure : holdings_.at(patient.key).failures) failures += csv_line({patient.key, failure.modality, failure.source, failure.reason});
  publish(names_.failures(), failures);
  const QualitySource quality{cohort_, recipe_, facts, holdings_};
  const std::vector<QualityRow> rows = quality_rows(quality);
  publish(names_.quality_table(), quality_csv(rows));
  publish(names_.quality_page(), quality_html(quality, rows, judged.flow.json(), names_));

  Json modalities = Json::object();
  for (std::size_t m = 0; m < recipe_.modalities.size(); ++m) {
    std::map<std::string, std::int64_t> reasons;
    std::int64_t items = 0, present = 0;
    for (const PatientRecord& patient : cohort_.patients) {
      const Holding& holding = holdings_.at(patient.key);
      items += holding.items[m];
      present += holding.items[m] > 0 ? 1 : 0;
      const auto failed = std::find_if(holding.failures.begin(), holding.failures.end(), [&](const extract::Failure& f) { return f.modality == recipe_.modalities[m].name; });
      ++reasons[holding.items[m] > 0 ? "present" : failed != holding.failures.end() ? failed->reason : "not_recorded"];
    }
    modalities[recipe_.modalities[m].name] = {{"present", present}, {"items", items}, {"patients_by_reason", reasons}};
  }
  const double seconds = times_["extract_seconds"];
  const Json summary{{"patients", summary_.patients}, {"extracted", summary_.extracted}, {"reused", summary_.reused}, {"failures", summary_.failures},
                     {"shards", summary_.shards}, {"shards_written", summary_.shards_written}, {"feature_bytes", summary_.feature_bytes}, {"source_bytes", summary_.source_bytes},
                     {"patients_per_second", seconds > 0 ? static_cast<double>(summary_.extracted) / seconds : 0.0}, {"seconds", times_}, {"ranks", world_.size()},
                     {"peak_memory_bytes", memory_}, {"modalities", modalities}, {"eligible", judged.flow.eligible}, {"notes", summary_.notes}};
  publish(names_.summary(), summary.dump(2) + "\n");
}

// What the new store.json does not name can go now.
void Builder::tidy() const {
  std::set<std::string> shards, journal;
  for (const store::ShardEntry& shard : manifest_.shards) shards.insert(shard.file);
  for (const std::string& content : contents_) journal.insert(names_.packed(content).filename().string());
  remove_others(names_.features(), shards);
  remove_others(names_.packed(), journal);
  const std::vector<std::string> pictures = previews();
  remove_others(names_.preview(), {pictures.begin(), pictures.end()});
  remove_others(names_.segments(), {});
}

}  // namespace hepar::pack
