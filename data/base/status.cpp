// SPDX-License-Identifier: Apache-2.0
#include "data/base/status.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace hepar {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<ExitCode, const char*>, 9> kClasses{{{ExitCode::done, "done"}, {ExitCode::usage, "usage"}, {ExitCode::input, "input"}, {ExitCode::store, "store"},
                                                                   {ExitCode::training, "training"}, {ExitCode::rank_failed, "rank"}, {ExitCode::disk, "disk"},
                                                                   {ExitCode::stopped, "stopped"}, {ExitCode::bug, "bug"}}};

std::int64_t generation_on_disk(const fs::path& path) {
  const std::optional<Status> status = read_status(path);
  return status ? status->generation : 0;
}

void write(const fs::path& path, const Status& status) {
  const Json json{{"state", status.state}, {"class", status.state == "running" ? "running" : status_class(status.code)}, {"exit_code", static_cast<int>(status.code)},
                  {"step", status.step ? Json(*status.step) : Json()}, {"rank", status.rank}, {"host", status.host.empty() ? this_machine().host : status.host}, {"phase", status.phase},
                  {"message", status.message}, {"generation", status.generation}};
  publish(path, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");  // a message may name a path of any bytes
}

}  // namespace

std::string status_class(ExitCode code) {
  for (const auto& [known, name] : kClasses)
    if (known == code) return name;
  return "bug";
}

std::optional<Status> read_status(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  const Json json = Json::parse(read_file(path), nullptr, false);
  if (!json.is_object() || !json.contains("state")) throw store_error("is no status file", {path.string()}, "remove it and run the same command again");
  Status status;
  try {
    status.state = json.at("state").get<std::string>();
    status.code = static_cast<ExitCode>(json.value("exit_code", 0));
    if (json.contains("step") && json.at("step").is_number()) status.step = json.at("step").get<std::int64_t>();
    if (json.contains("rank") && json.at("rank").is_number()) status.rank = json.at("rank").get<int>();
    status.phase = json.value("phase", "");
    status.message = json.value("message", "");
    status.host = json.value("host", "");
    status.generation = json.value("generation", std::int64_t{0});
  } catch (const Json::exception&) {
    throw store_error("is no status file", {path.string()}, "remove it and run the same command again");
  }
  return status;
}

void StatusFile::begin(Status status) {
  generation_ = generation_on_disk(path_) + 1;
  status.generation = generation_;
  write(path_, status);
}

void StatusFile::publish(Status status) {
  check();
  status.generation = begun() ? generation_ : generation_on_disk(path_);
  write(path_, status);
}

void StatusFile::check() const {
  if (!begun()) return;
  const std::optional<Status> now = read_status(path_);
  if (!now || now->generation <= generation_) return;
  throw Error(ExitCode::rank_failed, "superseded: generation " + std::to_string(now->generation) + " (on " + now->host + ") works in this folder now, and this one, generation " +
                                         std::to_string(generation_) + ", writes nothing more", path_.parent_path().string(), "leave it to the newer job");
}

}  // namespace hepar
