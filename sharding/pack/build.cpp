// SPDX-License-Identifier: Apache-2.0
// The story of `hepar shard`: what is there, extract the rest, pack, judge, publish.
#include "sharding/pack/builder.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/stop.hpp"
#include "sharding/extract/attempts.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;

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

void stop_if_asked() {
  if (stop_requested()) throw Error(ExitCode::stopped, "stopped on request; what was extracted is kept", {}, "run the same command again to continue");
}

}  // namespace

void Builder::check_folder() const {
  std::error_code failed;
  const bool ours = fs::exists(names_.manifest(), failed) || fs::exists(names_.journal(), failed);
  if (fs::exists(names_.root, failed) && !ours && (!fs::is_directory(names_.root) || !fs::is_empty(names_.root)))
    throw usage_error("is neither empty nor a store", {names_.root.string()}, "choose another --out");
  std::string before;
  if (fs::exists(names_.manifest(), failed)) {
    before = store::read_manifest(names_.root).settings;
  } else if (fs::exists(names_.settings(), failed)) {
    before = read_file(names_.settings());
  }
  if (before.empty()) return;
  const Json old = Json::parse(before, nullptr, false);
  if (const std::string key = first_difference(old, Json::parse(settings_)); !key.empty())
    throw store_error("the store was made with other settings: '" + key + "' differs", {names_.root.string()}, "--fresh moves the old store to OUT.old-N and makes a new one");
}

void Builder::take_stock() {
  const Timer timer(times_, "plan_seconds");
  packed_ = read_packed(names_);
  Found found = find_holdings(names_, packed_);
  holdings_ = std::move(found.holdings);
  generation_ = found.generation + 1;
  for (const PatientRecord& patient : cohort_.patients) fingerprints_.push_back(extract::fingerprint(patient, recipe_));
  std::set<std::string> pictures;
  for (const fs::path& file : entries_of(names_.preview())) pictures.insert(file.filename().string());
  const auto seen = [&](const std::string& file) { return pictures.contains(file); };
  std::vector<std::pair<std::int64_t, std::int64_t>> by_cost;
  for (std::size_t p = 0; p < cohort_.patients.size(); ++p) {
    const auto found = holdings_.find(cohort_.patients[p].key);
    const bool held = found != holdings_.end() && found->second.fingerprint == fingerprints_[p] && found->second.items.size() == recipe_.modalities.size() &&
                      (found->second.shard.empty() || std::all_of(found->second.previews.begin(), found->second.previews.end(), seen));
    const auto mendable = [](const extract::Failure& failure) { return failure.mendable(); };
    const bool retry = held && request_.retry_failed && std::any_of(found->second.failures.begin(), found->second.failures.end(), mendable);
    if (held && !retry) continue;
    const std::int64_t bytes = extract::source_bytes(cohort_.patients[p], recipe_);
    summary_.source_bytes += static_cast<std::uint64_t>(bytes);
    if (request_.dry_run) summary_.feature_bytes += static_cast<std::uint64_t>(extract::predicted_feature_bytes(cohort_.patients[p], recipe_));
    by_cost.emplace_back(-bytes, static_cast<std::int64_t>(p));
  }
  std::sort(by_cost.begin(), by_cost.end());  // largest first, so that no rank ends long after the others
  for (const auto& [cost, p] : by_cost) tasks_.push_back(p);
}

void Builder::share_plan() {
  const Json plan = Json::parse(world_.broadcast_text(world_.root() ? Json{tasks_, fingerprints_, summary_.source_bytes, generation_}.dump() : std::string(), 0));
  tasks_ = plan.at(0).get<std::vector<std::int64_t>>();
  fingerprints_ = plan.at(1).get<std::vector<std::string>>();
  summary_.source_bytes = plan.at(2);
  generation_ = plan.at(3);
  summary_.extracted = static_cast<std::int64_t>(tasks_.size());
  summary_.reused = summary_.patients - summary_.extracted;
}

void Builder::open() {
  const Timer timer(times_, "cohort_seconds");
  cohort_ = read_cohort(request_.cohort);
  recipe_ = extract::recipe_of(cohort_, request_.encoder);
  settings_ = recipe_.settings().dump();
  summary_.notes = cohort_.notes;
  for (const ModalitySpec& modality : recipe_.unreadable) summary_.notes.push_back("modality " + modality.name + " is left out: not one of its files can be read (failures.csv)");
  summary_.patients = static_cast<std::int64_t>(cohort_.patients.size());
  manifest_.settings = settings_;
  manifest_.modalities = vectors_of(cohort_.spec);
  manifest_.modalities.insert(manifest_.modalities.end(), recipe_.modalities.begin(), recipe_.modalities.end());
  // Layouts and settings decide a shard's bytes as much as its patients do.
  recipe_hash_ = store::features_hash(manifest_);
}

void Builder::begin() {
  for (const fs::path& folder : {names_.segments(), names_.attempt_logs(), names_.packed(), names_.features()}) make_folder(folder);
  if (tasks_.empty()) return;
  publish(names_.settings(), settings_);
  working("extract");
}

void Builder::working(const std::string& phase) {
  if (status_.begun()) return;
  // A full disk may hold nothing but what killed runs left.
  for (const fs::path& folder : {names_.features(), names_.packed(), names_.journal(), names_.preview(), names_.root}) remove_stale_temporaries(folder);
  status_.begin({.phase = phase});
}

// Every rank writes segments and shards: none of them after a later run has begun in the folder.
void Builder::share_status() {
  std::int64_t generation = status_.generation();
  world_.broadcast(std::as_writable_bytes(std::span(&generation, 1)), 0);
  status_.join(generation);
}

void Builder::extract_missing() {
  const Timer timer(times_, "extract_seconds");
  if (tasks_.empty()) return;
  std::optional<extract::SegmentWriter> writer;
  std::optional<extract::AttemptLog> log;
  Holdings mine;
  std::optional<Progress> progress;
  if (world_.root()) progress.emplace(console_, "extract", summary_.extracted, "patients");
  mpi::work_queue(
      world_, summary_.extracted,
      [&](std::int64_t task) {
        stop_if_asked();
        status_.check();
        const auto p = static_cast<std::size_t>(tasks_[static_cast<std::size_t>(task)]);
        if (!writer) writer.emplace(names_.segments(), generation_, world_.rank());
        if (!log) log.emplace(names_.attempt_logs(), generation_, world_.rank());
        try {
          log->begin(cohort_.patients[p].key);
          const auto start = std::chrono::steady_clock::now();
          const extract::Extracted extracted = extract::extract(cohort_.patients[p], recipe_);
          log->end(extracted, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), extract::source_bytes(cohort_.patients[p], recipe_));
          mine[cohort_.patients[p].key] = holding_of(writer->append(extracted, fingerprints_[p]));
        } catch (const Error& error) {
          throw error.within("patient " + cohort_.patients[p].key);
        }
      },
      [&](std::int64_t finished) {
        if (progress) progress->advance_to(finished);
      });
  mpi::together(world_, [&] {
    if (writer) writer->flush();
  });
  if (progress) progress->advance_to(summary_.extracted);
  // Each rank tells what it wrote: nobody reads the journal again, and a part's hash is checked by the rank that packs it.
  for (const std::string& text : world_.gather_texts(to_text(mine), 0))
    for (auto& [key, holding] : holdings_from(text)) holdings_[key] = std::move(holding);
}

void Builder::share_holdings() {
  const Timer timer(times_, "journal_seconds");
  mpi::together(world_, [&] {
    if (world_.root()) check_readable();
  });
  const std::string text = world_.broadcast_text(world_.root() ? to_text(holdings_) : std::string(), 0);
  if (!world_.root()) holdings_ = holdings_from(text);
}

void Builder::check_readable() {
  bool any = recipe_.modalities.empty() && recipe_.unreadable.empty(), failures = false;
  for (const PatientRecord& patient : cohort_.patients) {
    const Holding& holding = holdings_.at(patient.key);
    summary_.failures += std::count_if(holding.failures.begin(), holding.failures.end(), [](const extract::Failure& failure) { return failure.mendable(); });
    failures = failures || !holding.failures.empty();
    any = any || std::any_of(holding.items.begin(), holding.items.end(), [](std::int64_t n) { return n > 0; });
  }
  if (any || !failures) return;
  const auto first = std::find_if(cohort_.patients.begin(), cohort_.patients.end(), [&](const PatientRecord& patient) { return !holdings_.at(patient.key).failures.empty(); });
  const extract::Failure& failure = holdings_.at(first->key).failures.front();
  throw input_error("not one image, slide or report can be read; the first: patient " + first->key + ", " + failure.modality + ": " + failure.reason + " (" + failure.source + ")",
                    {request_.cohort.string()}, "check the paths in its tables");
}

Summary Builder::run() {
  try {
    mpi::together(world_, [&] {
      if (world_.root() && request_.fresh && !request_.dry_run) move_aside(names_.root);
    });
    mpi::together(world_, [&] { open(); });
    mpi::together(world_, [&] {
      if (!world_.root()) return;
      check_folder();
      take_stock();
    });
    share_plan();
    if (request_.dry_run) return predict();
    mpi::together(world_, [&] {
      if (world_.root()) begin();
    });
    share_status();
    extract_missing();
    share_holdings();
    pack_shards();
    publish_previews();
    share_memory();
    mpi::together(world_, [&] {
      if (world_.root()) publish_all();
    });
  } catch (const std::exception& error) {
    fail(as_error(error));
    throw;
  }
  return std::move(summary_);
}

void Builder::fail(const Error& error) {
  std::error_code missing;
  if (!world_.root() || request_.dry_run || !fs::exists(names_.status(), missing)) return;
  try {
    status_.publish({.state = error.code() == ExitCode::stopped ? "stopped" : "failed", .code = error.code(), .phase = "shard", .message = error.what()});
  } catch (const Error&) {
    // The first error is the one to show: this one follows from it (a full or read-only disk).
  }
}

Summary build_store(const Request& request, const mpi::Communicator& world, const Console& console) { return Builder(request, world, console).run(); }

}  // namespace hepar::pack
