// SPDX-License-Identifier: Apache-2.0
// `hepar status DIR`: what runs, what waits, what failed, from the plain files of a run, validation or store. Needs no MPI.
#include "data/base/files.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/status.hpp"
#include "data/base/text.hpp"
#include "sharding/store/layout.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/process.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <thread>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kQuietSeconds = 900;  // no sign of life for so long: said, not judged

Json json_of(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? Json::parse(read_file(path), nullptr, false) : Json();
}

double seconds_since_change(const fs::path& path) {
  std::error_code missing;
  const auto changed = fs::last_write_time(path, missing);
  if (missing) return -1;
  return std::chrono::duration<double>(fs::file_time_type::clock::now() - changed).count();
}

// One line of the table.
struct Line {
  std::string name, kind, state, done, left, message;
  std::vector<Line> parts;  // folds of a validation
};

// The last whole line of events.jsonl.
Json last_event(const fs::path& path) {
  constexpr std::uint64_t kTail = 65536;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  const ReadOnlyFile file(path);
  std::string tail(static_cast<std::size_t>(std::min(kTail, file.size())), '\0');
  file.read_at(file.size() - tail.size(), std::as_writable_bytes(std::span(tail.data(), tail.size())));
  std::vector<std::string> lines = split(trim(tail), '\n');
  while (!lines.empty()) {
    if (Json event = Json::parse(lines.back(), nullptr, false); event.is_object() && event.contains("step")) return event;
    lines.pop_back();
  }
  return {};
}

Line line_of(const std::string& name, const std::string& kind, const std::optional<Status>& status) {
  Line line{name, kind, status ? status->state : "waiting", {}, {}, {}, {}};
  if (status && status->state != "finished" && status->state != "running") line.message = status->message;
  if (status && status->generation > 1) line.message += fmt::format("{}start {}", line.message.empty() ? "" : "; ", status->generation);
  return line;
}

Line of_run(const fs::path& folder, const std::string& name) {
  const RunFolder files{folder};
  const std::optional<Status> status = read_status(files.status());
  Line line = line_of(name, "run", status);
  const Json run = json_of(files.run()), event = last_event(files.events());
  if (!run.is_object() || !run.contains("steps_planned")) return line;
  const auto planned = run.at("steps_planned").get<std::int64_t>();
  const std::int64_t step = event.is_object() ? event.at("step").get<std::int64_t>() : status && status->step ? *status->step : 0;
  line.done = fmt::format("step {}/{}", step, planned);
  if (line.state != "running") return line;
  // run.json is written when the steps begin, events.jsonl with each step.
  const double quiet = seconds_since_change(files.events()), began = seconds_since_change(files.run());
  const std::int64_t first = status && status->step ? *status->step : 0;
  if (step > first && began > quiet) line.left = duration_text((began - quiet) / static_cast<double>(step - first) * static_cast<double>(planned - step)) + " left";
  if (quiet > kQuietSeconds) line.message += fmt::format("{}no step for {}", line.message.empty() ? "" : "; ", duration_text(quiet));
  return line;
}

Line of_validation(const fs::path& folder, const std::string& name) {
  const ValidationFolder files{folder};
  Line line = line_of(name, "validation", read_status(files.status()));
  std::size_t finished = 0;
  std::vector<fs::path> folds;
  std::error_code ignored;
  for (const fs::directory_entry& fold : fs::directory_iterator(files.folds(), ignored))
    if (fold.is_directory()) folds.push_back(fold.path());
  std::sort(folds.begin(), folds.end());
  for (const fs::path& fold : folds) {
    Line part = of_run(fold, fold.filename().string());
    part.kind = "fold";
    if (fs::exists(RunFolder{fold}.fold())) {
      part.state = "finished";
      ++finished;
    } else if (part.state == "finished") {
      part.state = "predicting";
    }
    line.parts.push_back(std::move(part));
  }
  const Json plan = json_of(files.plan());
  const std::size_t planned = plan.is_object() && plan.contains("folds") ? plan.at("folds").size() : folds.size();
  line.done = fmt::format("{} of {} folds", finished, planned);
  if (planned > 0 && finished == planned && line.state != "finished") line.message += fmt::format("{}not gathered yet", line.message.empty() ? "" : "; ");
  if (plan.is_object() && plan.contains("folds"))
    for (const Json& fold : plan.at("folds"))
      if (std::none_of(line.parts.begin(), line.parts.end(), [&](const Line& part) { return part.name == fold.get<std::string>(); })) line.parts.push_back({fold.get<std::string>(), "fold", "waiting", {}, {}, {}, {}});
  return line;
}

Line of_store(const fs::path& folder, const std::string& name) {
  const store::Names files{folder};
  Line line = line_of(name, "store", read_status(files.status()));
  const Json summary = json_of(files.summary());
  if (summary.is_object() && summary.contains("patients")) line.done = fmt::format("{} patients", summary.at("patients").get<std::int64_t>());
  return line;
}

// The files by which a folder is known.
struct Kind {
  fs::path (*mark)(const fs::path& folder);
  Line (*line)(const fs::path&, const std::string&);
};
constexpr std::array<Kind, 4> kKinds{{{[](const fs::path& folder) { return ValidationFolder{folder}.folds(); }, &of_validation},
                                      {[](const fs::path& folder) { return RunFolder{folder}.checkpoints(); }, &of_run},
                                      {[](const fs::path& folder) { return store::Names{folder}.manifest(); }, &of_store},
                                      {[](const fs::path& folder) { return store::Names{folder}.journal(); }, &of_store}}};

std::optional<Line> line_of_folder(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  for (const Kind& kind : kKinds)
    if (fs::exists(kind.mark(folder), ignored)) return kind.line(folder, name);
  return std::nullopt;
}

// What Slurm says of the jobs that `submit` noted beside the folder.
void add_jobs(const fs::path& folder, Line& line) {
  const Json record = json_of(folder.parent_path() / (folder.filename().string() + ".submit") / "jobs.json");
  if (!record.is_object()) return;
  for (const Json& job : record.at("jobs")) {
    const std::string id = job.at("id");
    const std::optional<Answer> answer = ask({"squeue", "-h", "-r", "-j", id, "-o", "%T"});
    if (!answer) return;
    std::map<std::string, int> states;
    if (answer->code != 0 || trim(answer->text).empty()) {
      ++states["not in the queue"];
    } else {
      for (const std::string& state : split(trim(answer->text), '\n')) ++states[state];
    }
    for (const auto& [state, count] : states) line.message += fmt::format("{}job {} ({}) {}{}", line.message.empty() ? "" : "; ", id, job.at("name").get<std::string>(), state, count > 1 ? fmt::format(" x {}", count) : "");
  }
}

std::vector<Line> lines_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const fs::path clean = whole.has_filename() ? whole : whole.parent_path();
  if (!fs::is_directory(clean)) throw usage_error("is no folder", {folder.string()}, "give the OUT of shard, train or validate, or a folder of several");
  if (std::optional<Line> one = line_of_folder(clean, folder.string())) {
    add_jobs(clean, *one);
    return {std::move(*one)};
  }
  std::vector<Line> lines;
  std::vector<fs::path> children;
  for (const fs::directory_entry& child : fs::directory_iterator(clean))
    if (child.is_directory()) children.push_back(child.path());
  std::sort(children.begin(), children.end());
  for (const fs::path& child : children) {
    std::optional<Line> line = line_of_folder(child, child.filename().string());
    if (!line) continue;
    add_jobs(child, *line);
    line->parts.clear();
    lines.push_back(std::move(*line));
  }
  if (lines.empty()) throw usage_error("holds no store, run or validation", {folder.string()}, "give the OUT of shard, train or validate, or a folder of several");
  return lines;
}

Json json_of_line(const Line& line) {
  Json json{{"name", line.name}, {"kind", line.kind}, {"state", line.state}, {"done", line.done}, {"left", line.left}, {"message", line.message}};
  if (!line.parts.empty()) json["parts"] = Json::array();
  for (const Line& part : line.parts) json["parts"].push_back(json_of_line(part));
  return json;
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
    std::string row = fmt::format("{}{:<{}}  {:<10}  {:<{}}  {:<{}}  {}{}{}", indent, line.name, name, line.kind, line.state, state, line.done, done, line.left, line.left.empty() ? "" : "  ", line.message);
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
      fmt::print("{}\n", all.dump(watch_ ? -1 : 2));
    } else {
      if (watch_ && ::isatty(STDOUT_FILENO) == 1) fmt::print("\033[H\033[2J");
      fmt::print("{}", table(lines));
    }
    std::fflush(stdout);
  }
  bool watch_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status_command() { return std::make_unique<StatusCommand>(); }

}  // namespace hepar::program
