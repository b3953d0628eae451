// SPDX-License-Identifier: Apache-2.0
// `hepar status DIR`: what runs, what waits, what failed, from the plain files of a run, validation, sweep or store. Needs no MPI.
#include "data/base/log.hpp"
#include "data/base/results.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"
#include "tools/hepar/status_lines.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

Json json_of_line(const Line& line) {
  Json json{{"name", line.name}, {"kind", line.kind}, {"state", line.state}, {"done", line.done}, {"left", line.left}, {"message", line.message}};
  json["last_heard_seconds"] = line.heard_seconds ? Json(*line.heard_seconds) : Json();
  json["silent"] = line.silent;
  if (!line.parts.empty()) json["parts"] = Json::array();
  for (const Line& part : line.parts) json["parts"].push_back(json_of_line(part));
  return json;
}

// How long ago what runs gave its last sign of life, and what is left of it.
std::string life_text(const Line& line) {
  if (!line.heard_seconds) return line.left;
  const std::string ago = duration_text(*line.heard_seconds) + " ago";
  if (line.silent) return "silent, last heard " + ago + ": it may have died";
  return line.left.empty() ? "heard " + ago : line.left + ", heard " + ago;
}

std::string table(const std::vector<Line>& lines, const std::string& indent = "") {
  std::size_t name = 0, state = 0, done = 0;
  for (const Line& line : lines) {
    name = std::max(name, line.name.size());
    state = std::max(state, line.state.size());
    done = std::max(done, line.done.size());
  }
  std::string text;
  for (const Line& line : lines) {
    const std::string life = life_text(line);
    std::string row = fmt::format("{}{:<{}}  {:<10}  {:<{}}  {:<{}}  {}{}{}", indent, line.name, name, line.kind, line.state, state, line.done, done, life, life.empty() ? "" : "  ", line.message);
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n" + (line.parts.empty() ? "" : table(line.parts, indent + "  "));
  }
  return text;
}

bool all_ended(const std::vector<Line>& lines) {
  return std::none_of(lines.begin(), lines.end(), [](const Line& line) { return line.state == "running" || line.state == "waiting"; });
}

class StatusCommand : public Command {
 public:
  std::string_view name() const override { return "status"; }
  std::string_view summary() const override { return "what runs, waits or failed in a folder"; }
  std::string_view example() const override { return "hepar status validation --watch"; }
  std::string_view positional() const override { return "DIR"; }
  std::vector<Row> rows() override { return {row("watch", watch_, "show it again every few seconds until all has ended")}; }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    mpi::together(context.world, [&] {
      if (!context.world.root()) return;
      if (words.size() != 1) throw usage_error("'status' takes one DIR", {}, "example: " + std::string(example()));
      for (bool again = true; again;) {
        const std::vector<Line> lines = lines_of(words.front());
        show(lines, context.json);
        again = watch_ && !all_ended(lines);
        if (again) std::this_thread::sleep_for(std::chrono::seconds(kWatchSeconds));
      }
    });
    return ExitCode::done;
  }

 private:
  static constexpr int kWatchSeconds = 5;
  void show(const std::vector<Line>& lines, bool as_json) const {
    if (as_json) {
      Json all = Json::array();
      for (const Line& line : lines) all.push_back(json_of_line(line));
      print_json(all, watch_ ? -1 : 2);
    } else {
      if (watch_ && ::isatty(STDOUT_FILENO) == 1) fmt::print("\033[H\033[2J");
      fmt::print("{}", table(lines));
    }
    finish_results();  // while it watches too
  }
  bool watch_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status_command() { return std::make_unique<StatusCommand>(); }

}  // namespace hepar::program
