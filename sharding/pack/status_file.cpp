// SPDX-License-Identifier: Apache-2.0
#include "sharding/pack/status_file.hpp"

#include "data/base/files.hpp"
#include "data/base/machine.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace hepar::pack {

namespace {

using Json = nlohmann::ordered_json;

struct Class {
  ExitCode code;
  const char* name;
};
constexpr std::array<Class, 8> kClasses{{{ExitCode::done, "done"}, {ExitCode::usage, "usage"}, {ExitCode::input, "input"}, {ExitCode::store, "store"},
                                         {ExitCode::training, "training"}, {ExitCode::rank_failed, "rank"}, {ExitCode::disk, "disk"}, {ExitCode::stopped, "stopped"}}};

std::string class_of(ExitCode code) {
  for (const Class& one : kClasses)
    if (one.code == code) return one.name;
  return "bug";
}

int generation_of(const std::filesystem::path& path) {
  std::error_code missing;
  if (!fs::exists(path, missing)) return 0;
  const Json json = Json::parse(read_file(path), nullptr, false);
  return json.is_object() ? json.value("generation", 0) : 0;
}

}  // namespace

void publish_status(const std::filesystem::path& path, const Status& status) {
  const int generation = generation_of(path) + (status.state == "running" ? 1 : 0);
  const Json json{{"state", status.state}, {"class", class_of(status.code)}, {"exit_code", static_cast<int>(status.code)}, {"step", nullptr}, {"rank", nullptr},
                  {"host", this_machine().host}, {"phase", status.phase}, {"message", status.message}, {"generation", generation}};
  publish(path, json.dump() + "\n");
}

}  // namespace hepar::pack
