// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/checkpoint.hpp"

#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

std::vector<std::int64_t> steps_on_disk(const RunFolder& folder) {
  std::vector<std::int64_t> steps;
  for (const fs::path& path : entries_of(folder.checkpoints())) {
    const std::string name = path.filename().string();
    if (!name.starts_with("step-")) continue;
    if (const auto step = parse_integer(name.substr(5))) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

constexpr const char* kCheckpointSchema = "hepar-checkpoint/1";

std::string state_json(const Cursor& cursor, const std::string& sha256_of_state) {
  Json json{{"schema", kCheckpointSchema}, {"step", cursor.step}, {"updates", cursor.updates}, {"skipped", cursor.skipped}, {"skipped_in_a_row", cursor.skipped_in_a_row},
          {"exponents", cursor.exponents}, {"config_sha256", cursor.config_sha256}, {"features_sha256", cursor.features_sha256}, {"tables_sha256", cursor.tables_sha256}, {"machine", cursor.machine}, {"seconds", cursor.spent.seconds}, {"sessions", cursor.spent.sessions}, {"state_sha256", sha256_of_state}};
  if (cursor.reproducible_until >= 0) json["reproducible_until"] = cursor.reproducible_until;
  return sealed(std::move(json));
}

Cursor cursor_from(const Json& json) {
  return {json.at("step"), json.at("updates"), json.at("skipped"), json.at("skipped_in_a_row"), json.at("exponents").get<std::vector<int>>(), json.at("config_sha256"),
          json.at("features_sha256"), json.at("tables_sha256"), json.at("machine"), {json.at("seconds"), json.at("sessions")}, json.value("reproducible_until", std::int64_t{-1})};
}

void write_checkpoint(const RunFolder& folder, const StatusFile& fence, const std::string& state, const Cursor& cursor) {
  const fs::path target = folder.checkpoint(cursor.step);
  // An older job may still write in this folder: no two processes share a draft.
  const fs::path draft = target.string() + ".tmp." + this_machine().host + "." + std::to_string(::getpid());
  std::error_code failed;
  fs::remove_all(draft, failed);
  fs::create_directories(draft, failed);
  if (failed) throw disk_error("cannot create the folder", {draft.string()});
  publish(draft / "state.safetensors", state);
  publish(draft / "state.json", state_json(cursor, sha256(state)));
  fence.check();
  // Whatever has this name was found damaged when the training began, or lay beyond the step that it went on from.
  fs::remove_all(target, failed);
  publish_folder(draft, target);
}

// All of it fits, or nothing is changed.
void put(std::vector<LoadedTensor> loaded, Arena& arena, const fs::path& path) {
  std::map<std::string, LoadedTensor> tensors;
  for (LoadedTensor& tensor : loaded) tensors[tensor.name] = std::move(tensor);
  std::vector<std::pair<std::span<float>, std::string>> parts{{arena.values(), "param/"}, {arena.first_moment(), "adamw/m/"}, {arena.second_moment(), "adamw/v/"}};
  if (!arena.average().empty()) parts.emplace_back(arena.average(), "ema/");
  for (const auto& [flat, prefix] : parts)
    for (const Segment& segment : arena.segments()) {
      const auto found = tensors.find(prefix + segment.name);
      if (found == tensors.end() || found->second.shape != segment.shape) throw store_error("'" + prefix + segment.name + "' is missing or of another shape", {path.string()});
    }
  for (const auto& [flat, prefix] : parts)
    for (const Segment& segment : arena.segments()) std::ranges::copy(tensors.at(prefix + segment.name).values, flat.begin() + segment.first);
}

}  // namespace

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::wait() {
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void CheckpointWriter::save(Arena& arena, const Cursor& cursor) {
  const auto start = std::chrono::steady_clock::now();
  wait();
  std::vector<NamedValues> tensors = arena.named(arena.values(), "param/");
  for (auto& more : {arena.named(arena.first_moment(), "adamw/m/"), arena.named(arena.second_moment(), "adamw/v/")}) tensors.insert(tensors.end(), more.begin(), more.end());
  if (!arena.average().empty())
    for (const NamedValues& tensor : arena.named(arena.average(), "ema/")) tensors.push_back(tensor);
  std::string state = safetensors_text(tensors);  // the copy: the next step may change the arena from here on
  thread_ = std::thread([this, state = std::move(state), cursor] {
    try {
      if (!whole_.empty() && whole_.back() == cursor.step) return;  // it is there, and nothing has changed since
      write_checkpoint(folder_, fence_, state, cursor);
      ++written_;
      bytes_ += static_cast<std::int64_t>(state.size());
      whole_.push_back(cursor.step);
      if (whole_.size() > keep_) whole_.erase(whole_.begin());
      std::error_code ignored;  // what cannot be removed now is tried again after the next checkpoint
      for (const std::int64_t step : steps_on_disk(folder_))
        if (std::find(whole_.begin(), whole_.end(), step) == whole_.end()) fs::remove_all(folder_.checkpoint(step), ignored);
    } catch (...) {
      failure_ = std::current_exception();
    }
  });
  stall_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::optional<Cursor> load_newest(const RunFolder& folder, Arena& arena, std::vector<std::string>& notes) {
  std::vector<std::int64_t> steps = steps_on_disk(folder);
  for (; !steps.empty(); steps.pop_back()) {
    const fs::path path = folder.checkpoint(steps.back());
    try {
      const Json json = read_sealed(path / "state.json", kCheckpointSchema, "an older checkpoint is taken");
      const Cursor cursor = cursor_from(json);
      if (sha256_file(path / "state.safetensors") != json.at("state_sha256").get<std::string>()) throw store_error("its content does not match its hash", {path.string()});
      put(load_safetensors(path / "state.safetensors"), arena, path);
      return cursor;
    } catch (const std::exception& error) {
      notes.push_back("checkpoint step-" + std::to_string(steps.back()) + " is passed over: " + error.what());
    }
  }
  return std::nullopt;
}

}  // namespace hepar::engine
