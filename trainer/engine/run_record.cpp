// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/run_record.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/machine.hpp"

#include <torch/csrc/api/include/torch/version.h>

#include <sstream>

namespace hepar::engine {

namespace {

using Json = nlohmann::ordered_json;

std::string libtorch_version() { return std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR); }

}  // namespace

Events::Events(const RunFolder& folder, std::int64_t keep_until_step) {
  std::string kept;
  std::error_code ignored;
  if (fs::exists(folder.events(), ignored)) {
    std::istringstream lines(read_file(folder.events()));
    for (std::string line; std::getline(lines, line);) {
      const Json event = Json::parse(line, nullptr, false);  // a killed writer may leave half a line
      if (event.is_object() && event.value("step", std::int64_t{0}) <= keep_until_step) kept += line + "\n";
    }
  }
  publish(folder.events(), kept);
  file_.open(folder.events(), std::ios::app);
}

void Events::add(const Json& event) {
  file_ << event.dump() << '\n';
  file_.flush();
  if (!file_) throw disk_error("cannot write to events.jsonl");
}

std::string machine_identity() {
  const Machine machine = this_machine();
  std::string text = "cpu " + machine.cpu + "; BLAS " + fs::path(machine.blas_path).filename().string() + " (" + name_of(machine.blas) + "); LibTorch " + libtorch_version() + "; compiler " __VERSION__;
  for (const auto& [name, value] : machine.pins) text += "; " + name + "=" + value;
  return text;
}

Json machine_json() {
  const Machine machine = this_machine();
  return {{"cpu", machine.cpu}, {"cores", machine.cores}, {"blas", name_of(machine.blas)}, {"blas_file", fs::path(machine.blas_path).filename().string()}, {"libtorch", libtorch_version()},
          {"compiler", __VERSION__}, {"pinned", machine.pins}};
}

}  // namespace hepar::engine
