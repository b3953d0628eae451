// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/checkpoint.hpp"

#include "data/base/checkpoint_folder.hpp"
#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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

std::string state_json(const Cursor& cursor, const std::string& sha256_of_state) {
  Json json{{"schema", kCheckpointDocument.schema}, {"step", cursor.step}, {"updates", cursor.updates}, {"skipped", cursor.skipped}, {"skipped_in_a_row", cursor.skipped_in_a_row}, {"rollbacks", cursor.rollbacks},
          {"exponents", cursor.exponents}, {"config_sha256", cursor.config_sha256}, {"features_sha256", cursor.features_sha256}, {"tables_sha256", cursor.tables_sha256}, {"machine", cursor.machine}, {"seconds", cursor.spent.seconds}, {"sessions", cursor.spent.sessions}, {"state_sha256", sha256_of_state}};
  if (cursor.reproducible_until >= 0) json["reproducible_until"] = cursor.reproducible_until;
  if (std::isfinite(cursor.loss)) json["loss"] = cursor.loss;
  if (cursor.best.step > 0) json["best"] = {{"step", cursor.best.step}, {"loss", cursor.best.loss}};
  return sealed(std::move(json));
}

Cursor cursor_from(const Json& json) {
  Cursor cursor{.step = json.at("step"), .updates = json.at("updates"), .skipped = json.at("skipped"), .skipped_in_a_row = json.at("skipped_in_a_row"), .rollbacks = json.at("rollbacks"),
                .exponents = json.at("exponents").get<std::vector<int>>(), .config_sha256 = json.at("config_sha256"), .features_sha256 = json.at("features_sha256"),
                .tables_sha256 = json.at("tables_sha256"), .machine = json.at("machine"), .spent = {json.at("seconds"), json.at("sessions")}};
  cursor.reproducible_until = json.value("reproducible_until", cursor.reproducible_until);
  if (json.contains("best")) cursor.best = {json.at("best").at("step"), json.at("best").at("loss")};
  return cursor;
}

void write_checkpoint(const RunFolder& folder, const StatusFile& fence, const std::string& state, const Cursor& cursor) {
  const fs::path target = folder.checkpoint(cursor.step);
  // An older job may still write in this folder: no two processes share a draft.
  const fs::path draft = target.string() + ".tmp." + this_machine().host + "." + std::to_string(::getpid());
  std::error_code failed;
  fs::remove_all(draft, failed);
  make_folder(draft);
  publish(CheckpointFolder{draft}.state(), state);
  publish(CheckpointFolder{draft}.document(), state_json(cursor, sha256(state)));
  fence.check();
  // Whatever has this name was found damaged when the training began, or lay beyond the step that it went on from.
  fs::remove_all(target, failed);
  publish_folder(draft, target);
}

// All of it fits, or nothing is changed.
void put(std::vector<LoadedTensor> loaded, Arena& arena, const fs::path& path) {
  std::map<std::string, LoadedTensor> tensors;
  for (LoadedTensor& tensor : loaded) tensors[tensor.name] = std::move(tensor);
  std::vector<std::pair<std::span<float>, std::string>> parts{{arena.values(), "param/"}, {arena.first_moment(), "adamw/m/"}, {arena.second_moment(), "adamw/v/"}, {arena.anchor(), "anchor/"}};
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

bool CheckpointWriter::try_save(Arena& arena, const Cursor& cursor) {
  if (busy_) {
    ++given_up_;
    return false;
  }
  save(arena, cursor);
  return true;
}

void CheckpointWriter::save(Arena& arena, const Cursor& at) {
  const auto start = std::chrono::steady_clock::now();
  wait();
  std::vector<NamedValues> tensors = arena.named(arena.values(), "param/");
  for (auto& more : {arena.named(arena.first_moment(), "adamw/m/"), arena.named(arena.second_moment(), "adamw/v/"), arena.named(arena.anchor(), "anchor/")})
    tensors.insert(tensors.end(), more.begin(), more.end());
  if (!arena.average().empty())
    for (const NamedValues& tensor : arena.named(arena.average(), "ema/")) tensors.push_back(tensor);
  safetensors_text(tensors, buffer_);  // the copy: the next step may change the arena from here on
  Cursor cursor = at;
  if (cursor.loss < best_.loss) best_ = {cursor.step, cursor.loss};
  cursor.best = best_;
  busy_ = true;
  const double copied = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  stall_seconds_ += copied;
  thread_ = std::thread([this, cursor, copied] {
    const auto begun = std::chrono::steady_clock::now();
    try {
      write(cursor);
    } catch (...) {
      failure_ = std::current_exception();
    }
    cost_seconds_ = copied + std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    busy_ = false;
  });
}

void CheckpointWriter::write(const Cursor& cursor) {
  if (!whole_.empty() && whole_.back() == cursor.step) return;  // it is there, and nothing has changed since
  write_checkpoint(folder_, fence_, buffer_, cursor);
  ++written_;
  bytes_ += static_cast<std::int64_t>(buffer_.size());
  whole_.push_back(cursor.step);
  if (whole_.size() > keep_) whole_.erase(whole_.begin());
  std::error_code ignored;  // what cannot be removed now is tried again after the next checkpoint
  for (const std::int64_t step : steps_on_disk(folder_))
    if (step != cursor.best.step && std::find(whole_.begin(), whole_.end(), step) == whole_.end()) fs::remove_all(folder_.checkpoint(step), ignored);
}

double young_daly(double cost_seconds, double horizon_seconds) { return std::clamp(std::sqrt(2 * cost_seconds * horizon_seconds), 30.0, 3600.0); }

std::optional<Cursor> load_newest(const RunFolder& folder, Arena& arena, std::vector<std::string>& notes) {
  std::vector<std::int64_t> steps = steps_on_disk(folder);
  for (; !steps.empty(); steps.pop_back()) {
    const fs::path path = folder.checkpoint(steps.back());
    const CheckpointFolder files{path};
    try {
      const Json json = read_sealed(files.document(), kCheckpointDocument.schema, "an older checkpoint is taken");
      const Cursor cursor = cursor_from(json);
      if (sha256_file(files.state()) != json.at("state_sha256").get<std::string>()) throw store_error("its content does not match its hash", {path.string()});
      put(load_safetensors(files.state()), arena, path);
      return cursor;
    } catch (const std::exception& error) {
      notes.push_back("checkpoint step-" + std::to_string(steps.back()) + " is passed over: " + error.what());
    }
  }
  return std::nullopt;
}

}  // namespace hepar::engine
