// SPDX-License-Identifier: Apache-2.0
// The story of `hepar shard`: plan, extract, pack, tables, publish.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/table.hpp"
#include "sharding/extract/journal.hpp"
#include "sharding/pack/pack.hpp"
#include "sharding/pack/sources.hpp"
#include "sharding/pack/tables.hpp"
#include "sharding/store/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <set>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The first key in which two settings differ, dotted; "" when they agree.
std::string first_difference(const Json& before, const Json& now, const std::string& path = "modalities") {
  if (before == now) return {};
  if (!before.is_object() || !now.is_object()) return path;
  for (const auto& [key, value] : now.items())
    if (!before.contains(key)) return path + "." + key;
  for (const auto& [key, value] : before.items()) {
    if (!now.contains(key)) return path + "." + key;
    if (const std::string deeper = first_difference(value, now.at(key), path + "." + key); !deeper.empty()) return deeper;
  }
  return path;
}

class Builder {
 public:
  Builder(const Request& request, const mpi::Communicator& world, const Console& console) : request_(request), world_(world), console_(console), names_{request.out} {}

  Summary run() {
    mpi::together(world_, [&] { open(); });
    if (request_.dry_run) return dry_run();
    extract_missing();
    if (world_.root()) collect_sources();
    share_sources();
    pack_shards();
    mpi::together(world_, [&] {
      if (world_.root()) publish_all();
    });
    return std::move(summary_);
  }

 private:
  void open();
  [[nodiscard]] std::vector<std::int64_t> missing();
  Summary dry_run();
  void extract_missing();
  void collect_sources();
  void share_sources();
  void pack_shards();
  [[nodiscard]] store::ShardEntry pack_one(std::size_t index, const ShardPlan& plan);
  void publish_all();
  void publish_summary(const JudgedTables& tables);
  [[nodiscard]] std::map<std::string, extract::Record> gathered_records();

  const Request& request_;
  const mpi::Communicator& world_;
  const Console& console_;
  store::Names names_;
  Cohort cohort_;
  extract::Recipe recipe_;
  std::vector<std::string> fingerprints_;       // by patient
  std::optional<store::Store> old_;             // the store as it was, when there is one
  Sources old_sources_, sources_;
  std::map<std::string, std::int64_t> old_index_;
  std::map<std::string, extract::Record> records_;
  store::Manifest manifest_;
  Summary summary_;
  Json times_ = Json::object();
};

void Builder::open() {
  if (request_.fresh && world_.root() && fs::exists(names_.root)) {
    int n = 1;
    while (fs::exists(names_.root.string() + ".old-" + std::to_string(n))) ++n;
    fs::rename(names_.root, names_.root.string() + ".old-" + std::to_string(n));
  }
  if (request_.fresh) world_.barrier();
  cohort_ = read_cohort(request_.cohort);
  recipe_ = extract::recipe_of(cohort_);
  summary_.notes = cohort_.notes;
  for (const std::string& dropped : recipe_.dropped) summary_.notes.push_back("modality left out: " + dropped);
  summary_.patients = static_cast<std::int64_t>(cohort_.patients.size());
  if (fs::exists(names_.manifest())) {
    const store::Manifest before = store::read_manifest(names_);
    if (const std::string key = first_difference(before.extraction, recipe_.settings()); !key.empty())
      throw store_error("the store was made with other settings: '" + key + "' differs", {names_.root.string()}, "--fresh moves the old store aside and makes a new one");
    // A store whose tables alone are damaged can be mended from its features.
    try {
      old_.emplace(store::Store::open(names_.root));
      for (std::int64_t p = 0; p < old_->patients(); ++p) old_index_[old_->row(p).key] = p;
      old_sources_ = read_sources(names_);
    } catch (const Error& error) {
      summary_.notes.push_back(std::string("the present store cannot be reused: ") + error.what());
      old_.reset();
    }
  } else if (world_.root() && !request_.dry_run) {
    std::error_code failed;
    if (fs::exists(names_.root) && !fs::is_empty(names_.root) && !fs::exists(names_.journal()))
      throw usage_error("the folder is neither empty nor a store", {names_.root.string()}, "choose another --out");
    fs::create_directories(names_.root, failed);
    if (failed) {
      errno = failed.value();
      throw disk_error("cannot create the folder", {names_.root.string()});
    }
  }
  if (world_.root() && !request_.dry_run) {
    std::error_code failed;
    fs::create_directories(names_.segments(), failed);
    if (!failed) fs::create_directories(names_.features(), failed);
    if (failed) {
      errno = failed.value();
      throw disk_error("cannot create folders", {names_.root.string()});
    }
    remove_stale_temporaries(names_.features());
  }
  for (const PatientRecord& patient : cohort_.patients) fingerprints_.push_back(extract::fingerprint(patient, recipe_));
}

std::map<std::string, extract::Record> Builder::gathered_records() {
  // Rank 0 checks every record once; the others need only the places.
  Json list = Json::array();
  std::map<std::string, extract::Record> records;
  if (world_.root()) {
    records = extract::scan_segments(names_.segments());
    for (const auto& [key, record] : records) list.push_back({key, record.segment.string(), record.at, record.bytes, record.fingerprint, record.items, record.reasons});
  }
  const std::string text = world_.broadcast_text(list.dump(), 0);
  if (world_.root()) return records;
  for (const Json& item : Json::parse(text))
    records[item.at(0)] = {item.at(1).get<std::string>(), item.at(2), item.at(3), item.at(4), item.at(5).get<std::vector<std::int64_t>>(), item.at(6).get<std::vector<std::uint8_t>>()};
  return records;
}

std::vector<std::int64_t> Builder::missing() {
  std::vector<std::pair<std::int64_t, std::int64_t>> by_cost;
  for (std::size_t p = 0; p < cohort_.patients.size(); ++p) {
    const std::string& key = cohort_.patients[p].key;
    const auto record = records_.find(key);
    const auto source = old_sources_.find(key);
    const bool in_old = old_ && source != old_sources_.end() && source->second.fingerprint == fingerprints_[p] && old_index_.contains(key) &&
                        !(request_.retry_failed && !source->second.failures.empty());
    const bool in_journal = record != records_.end() && record->second.fingerprint == fingerprints_[p];
    if (!in_old && !in_journal) by_cost.emplace_back(-extract::source_bytes(cohort_.patients[p], recipe_), static_cast<std::int64_t>(p));
  }
  std::sort(by_cost.begin(), by_cost.end());  // largest first
  std::vector<std::int64_t> tasks;
  for (const auto& [cost, p] : by_cost) tasks.push_back(p);
  return tasks;
}

Summary Builder::dry_run() {
  records_ = gathered_records();
  const std::vector<std::int64_t> tasks = missing();
  std::int64_t bytes = 0;
  for (const std::int64_t p : tasks) bytes += extract::source_bytes(cohort_.patients[static_cast<std::size_t>(p)], recipe_);
  summary_.extracted = static_cast<std::int64_t>(tasks.size());
  summary_.reused = summary_.patients - summary_.extracted;
  summary_.feature_bytes = static_cast<std::uint64_t>(bytes);
  return std::move(summary_);
}

void Builder::extract_missing() {
  const auto start = Clock::now();
  records_ = gathered_records();
  const std::vector<std::int64_t> tasks = missing();
  summary_.extracted = static_cast<std::int64_t>(tasks.size());
  summary_.reused = summary_.patients - summary_.extracted;
  {
    std::optional<extract::SegmentWriter> writer;
    std::optional<Progress> progress;
    if (world_.root() && !tasks.empty()) progress.emplace(console_, "extract", summary_.extracted, "patients");
    mpi::work_queue(
        world_, static_cast<std::int64_t>(tasks.size()),
        [&](std::int64_t task) {
          const auto p = static_cast<std::size_t>(tasks[static_cast<std::size_t>(task)]);
          if (!writer) writer.emplace(names_.segments(), world_.rank());
          writer->append(extract::extract(cohort_.patients[p], recipe_), fingerprints_[p]);
        },
        [&](std::int64_t finished) {
          if (progress) progress->advance_to(finished);
        });
    mpi::together(world_, [&] {
      if (writer) writer->flush();
    });
  }
  if (!tasks.empty()) records_ = gathered_records();
  times_["extract_seconds"] = seconds_since(start);
}

void Builder::collect_sources() {
  for (std::size_t p = 0; p < cohort_.patients.size(); ++p) {
    const std::string& key = cohort_.patients[p].key;
    const auto record = records_.find(key);
    if (record == records_.end() || record->second.fingerprint != fingerprints_[p]) {
      sources_[key] = old_sources_.at(key);
      continue;
    }
    const extract::Extracted extracted = extract::load(record->second);
    sources_[key] = {fingerprints_[p], record->second.items, extracted.failures};
  }
}

void Builder::share_sources() {
  const std::string text = world_.broadcast_text(world_.root() ? to_text(sources_) : std::string(), 0);
  if (!world_.root()) sources_ = sources_from(text);
}

store::ShardEntry Builder::pack_one(std::size_t index, const ShardPlan& plan) {
  std::vector<store::PatientSize> sizes;
  for (std::int64_t i = 0; i < plan.patients; ++i) {
    const std::string& key = cohort_.patients[static_cast<std::size_t>(plan.first + i)].key;
    sizes.push_back({key, sources_.at(key).items});
  }
  const fs::path draft = names_.features() / ("packing-" + std::to_string(index) + ".h5");
  Publication publication(draft);  // only its temporary name is used: the final one needs the hash
  store::write_shard(publication.temporary(), recipe_.modalities, sizes, [&](std::size_t i) {
    const auto p = static_cast<std::size_t>(plan.first) + i;
    const std::string& key = cohort_.patients[p].key;
    const auto record = records_.find(key);
    if (record != records_.end() && record->second.fingerprint == fingerprints_[p]) return extract::load(record->second).features;
    store::PatientFeatures features{key, {}, old_->facts(old_index_.at(key))};
    for (const store::StoredModality& modality : recipe_.modalities) features.features.push_back(old_->feature(old_->modality(modality.name), old_index_.at(key)));
    return features;
  });
  store::ShardEntry entry;
  entry.sha256 = sha256_file(publication.temporary());
  entry.bytes = fs::file_size(publication.temporary());
  entry.file = store::shard_name(index, entry.sha256);
  entry.first = plan.first;
  entry.patients = plan.patients;
  Publication final_file(names_.shard(entry.file));
  fs::rename(publication.temporary(), final_file.temporary());
  final_file.commit();
  return entry;
}

void Builder::pack_shards() {
  const auto start = Clock::now();
  std::vector<store::PatientSize> sizes;
  for (const PatientRecord& patient : cohort_.patients) sizes.push_back({patient.key, sources_.at(patient.key).items});
  const std::vector<ShardPlan> plans = plan_shards(sizes, recipe_.modalities);
  const bool same_patients = old_ && old_index_.size() == sizes.size() && std::all_of(sizes.begin(), sizes.end(), [&](const auto& size) { return old_index_.contains(size.key); });
  if (same_patients && summary_.extracted == 0 && records_.empty()) {
    manifest_ = store::read_manifest(names_);
    return;
  }
  std::vector<std::pair<std::size_t, store::ShardEntry>> mine;
  {
    std::optional<Progress> progress;
    if (world_.root()) progress.emplace(console_, "pack", static_cast<std::int64_t>(plans.size()), "shards");
    mpi::work_queue(
        world_, static_cast<std::int64_t>(plans.size()),
        [&](std::int64_t task) { mine.emplace_back(static_cast<std::size_t>(task), pack_one(static_cast<std::size_t>(task), plans[static_cast<std::size_t>(task)])); },
        [&](std::int64_t finished) {
          if (progress) progress->advance_to(finished);
        });
  }
  Json list = Json::array();
  for (const auto& [index, entry] : mine) list.push_back({index, entry.file, entry.sha256, entry.bytes, entry.first, entry.patients});
  manifest_.shards.resize(plans.size());
  for (const std::string& text : world_.all_gather_texts(list.dump()))
    for (const Json& item : Json::parse(text)) manifest_.shards.at(item.at(0).get<std::size_t>()) = {item.at(1), item.at(2), item.at(3), item.at(4), item.at(5)};
  manifest_.extraction = recipe_.settings();
  manifest_.modalities = recipe_.modalities;
  manifest_.features_sha256 = store::features_hash(manifest_);
  summary_.shards_written = static_cast<std::int64_t>(plans.size());
  times_["pack_seconds"] = seconds_since(start);
}

void Builder::publish_all() {
  const auto start = Clock::now();
  FactsByKey facts;
  for (const store::ShardEntry& shard : manifest_.shards) {
    const std::vector<Facts> of_shard = store::read_shard_facts(names_.shard(shard.file));
    for (std::size_t i = 0; i < of_shard.size(); ++i) facts[cohort_.patients.at(static_cast<std::size_t>(shard.first) + i).key] = of_shard[i];
  }
  const JudgedTables tables = judge_tables(cohort_, facts);
  Publication publication(names_.tables());
  store::write_tables(publication.temporary(), tables.spec, tables.rows);
  const std::string tables_sha256 = sha256_file(publication.temporary());
  summary_.changed = !old_ || tables_sha256 != old_->tables_sha256() || manifest_.features_sha256 != old_->features_sha256();
  for (const auto& [key, source] : sources_) summary_.failures += static_cast<std::int64_t>(source.failures.size());
  summary_.features_sha256 = manifest_.features_sha256;
  summary_.tables_sha256 = tables_sha256;
  summary_.flow_text = tables.flow.text();
  for (const store::ShardEntry& shard : manifest_.shards) summary_.feature_bytes += shard.bytes;
  const bool nothing_read = !recipe_.modalities.empty() && std::all_of(sources_.begin(), sources_.end(), [](const auto& entry) {
    return std::all_of(entry.second.items.begin(), entry.second.items.end(), [](std::int64_t n) { return n == 0; });
  });
  if (nothing_read) throw input_error("not one image, slide or report could be read", {request_.cohort.string()}, "see the paths in its tables; journal/ lists every reason");
  if (summary_.changed) {
    manifest_.tables_sha256 = tables_sha256;
    manifest_.tables_bytes = fs::file_size(publication.temporary());
    manifest_.patients_per_centre.clear();
    for (const PatientRecord& patient : cohort_.patients) ++manifest_.patients_per_centre[patient.centre];
    publication.commit();
    store::publish_manifest(names_, manifest_);
    publish(names_.sources(), to_text(sources_));
    publish(names_.flow(), tables.flow.json());
    std::string failures = csv_line({"patient_id", "modality", "source", "reason"});
    for (const auto& [key, source] : sources_)
      for (const extract::Failure& failure : source.failures) failures += csv_line({key, failure.modality, failure.source, failure.reason});
    publish(names_.failures(), failures);
    times_["tables_seconds"] = seconds_since(start);
    publish_summary(tables);
  }
  // What the new store.json does not name can go now.
  std::set<std::string> kept;
  for (const store::ShardEntry& shard : manifest_.shards) kept.insert(shard.file);
  for (const fs::directory_entry& entry : fs::directory_iterator(names_.features()))
    if (!kept.contains(entry.path().filename().string())) fs::remove(entry.path());
  for (const fs::directory_entry& entry : fs::directory_iterator(names_.segments())) fs::remove(entry.path());
}

void Builder::publish_summary(const JudgedTables& tables) {
  Json modalities = Json::object();
  for (std::size_t m = 0; m < recipe_.modalities.size(); ++m) {
    std::int64_t present = 0, items = 0;
    for (const auto& [key, source] : sources_) {
      present += source.items[m] > 0 ? 1 : 0;
      items += source.items[m];
    }
    modalities[recipe_.modalities[m].name] = {{"present", present}, {"absent", summary_.patients - present}, {"items", items}};
  }
  const Json out{{"patients", summary_.patients}, {"extracted", summary_.extracted}, {"reused", summary_.reused}, {"failures", summary_.failures}, {"feature_bytes", summary_.feature_bytes},
                 {"modalities", modalities}, {"notes", summary_.notes}, {"ranks", world_.size()}, {"times", times_}, {"peak_memory_bytes_rank_0", peak_memory_bytes()},
                 {"eligible", tables.flow.eligible}};
  publish(names_.summary(), out.dump(2) + "\n");
  publish(names_.status(), Json{{"state", "finished"}, {"class", "done"}, {"exit_code", 0}, {"message", "store complete"}}.dump() + "\n");
}

}  // namespace

Summary build_store(const Request& request, const mpi::Communicator& world, const Console& console) { return Builder(request, world, console).run(); }

}  // namespace hepar::pack
