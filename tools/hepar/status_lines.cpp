// SPDX-License-Identifier: Apache-2.0
// What runs, waits or failed in a folder, from its plain files alone.
#include "tools/hepar/status_lines.hpp"

#include "data/base/files.hpp"
#include "data/base/log.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/status.hpp"
#include "data/base/text.hpp"
#include "sharding/store/layout.hpp"
#include "tools/hepar/process.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <tuple>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kGive = "give the OUT of shard, train, validate or sweep, or a folder of several";
constexpr double kQuietSeconds = 120, kQuietSteps = 10;  // no sign of life for so long: said, not judged

Json json_of(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? Json::parse(read_file(path), nullptr, false) : Json();
}

double seconds_since_change(const fs::path& path) {
  std::error_code missing;
  const auto changed = fs::last_write_time(path, missing);
  if (missing) return -1;
  return std::max(0.0, std::chrono::duration<double>(fs::file_time_type::clock::now() - changed).count());  // a server's clock may run ahead
}

// `work` seconds may pass between two signs of life.
void hear(Line& line, std::initializer_list<fs::path> signs, double work = 0) {
  if (line.state != "running") return;
  for (const fs::path& sign : signs)
    if (const double age = seconds_since_change(sign); age >= 0) line.heard_seconds = std::min(age, line.heard_seconds.value_or(age));
  line.silent = line.heard_seconds.value_or(0) > std::max(kQuietSeconds, kQuietSteps * work);
}

// Whoever has parts speaks by them too.
void hear_parts(Line& line) {
  if (line.state != "running") return;
  for (const Line& part : line.parts) {
    if (!part.heard_seconds) continue;
    line.heard_seconds = std::min(*part.heard_seconds, line.heard_seconds.value_or(*part.heard_seconds));
    line.silent = line.silent && part.silent;
  }
}

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
  hear(line, {folder, files.status(), files.events(), files.checkpoints()});
  const Json run = json_of(files.run()), event = last_event(files.events());
  if (!run.is_object() || !run.contains("steps_planned")) return line;
  const auto planned = run.at("steps_planned").get<std::int64_t>();
  const std::int64_t step = event.is_object() ? event.at("step").get<std::int64_t>() : status && status->step ? *status->step : 0;
  line.done = fmt::format("step {}/{}", step, planned);
  if (line.state != "running") return line;
  // run.json is written when the steps begin, events.jsonl with each step.
  const double quiet = seconds_since_change(files.events()), began = seconds_since_change(files.run());
  const std::int64_t first = status && status->step ? *status->step : 0;
  if (step <= first || began <= quiet) return line;
  const double a_step = (began - quiet) / static_cast<double>(step - first);
  hear(line, {}, a_step);
  if (!line.silent) line.left = duration_text(a_step * static_cast<double>(planned - step)) + " left";
  return line;
}

// The newest of a trial's rungs, null when it has none.
Json last_rung(const SweepFolder& files, std::int64_t trial) {
  Json last;
  std::error_code ignored;
  for (int rung = 0; fs::exists(files.rung(trial, rung), ignored); ++rung) last = json_of(files.rung(trial, rung));
  return last;
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
  hear(line, {folder, files.status()});
  hear_parts(line);
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
  hear(line, {folder, files.status(), files.features(), files.preview(), files.segments()});
  for (const fs::path& log : entries_of(files.attempt_logs())) hear(line, {log});
  const Json summary = json_of(files.summary());
  if (summary.is_object() && summary.contains("patients")) line.done = fmt::format("{} patients", summary.at("patients").get<std::int64_t>());
  return line;
}

// Trials by what became of them, the workers, and the trials that run.
Line of_sweep(const fs::path& folder, const std::string& name) {
  const SweepFolder files{folder};
  Line line = line_of(name, "sweep", read_status(files.status()));
  std::error_code ignored;
  const Json plan = json_of(files.plan());
  std::size_t ended = 0, begun = 0, failed = 0;
  std::tuple<int, double, std::string> best{-1, 0, ""};  // who came further, then the score
  for (const fs::path& trial : entries_of(files.trials())) {
    const std::string number = trial.filename().string();
    const std::int64_t k = parse_integer(number).value_or(0);
    const Json last = last_rung(files, k);
    const bool lost = fs::exists(files.failure(k), ignored), at_end = last.is_object() && plan.is_object() && last.value("rung", 0) + 1 == plan.value("rungs", 1);
    failed += lost ? 1 : 0;
    ended += at_end ? 1 : 0;
    ++begun;
    if (last.is_object() && last.at("score").is_number()) best = std::max(best, std::tuple(last.at("rung").get<int>(), last.at("score").get<double>(), fmt::format("trial {} {:.4f}", number, last.at("value").get<double>())));
    Line part = of_run(files.run(k).root, number);
    part.kind = "trial";
    if (part.state == "running") line.parts.push_back(std::move(part));
  }
  for (const fs::path& worker : entries_of(files.workers())) {
    const std::optional<Status> status = read_status(RunFolder{worker}.status());
    if (!status) continue;
    Line part = line_of(worker.filename().string(), "worker", status);
    if (part.message.empty()) part.message = status->message;
    if (line.state == "waiting" && part.state == "running") line.state = "running";
    line.parts.push_back(std::move(part));
  }
  if (fs::exists(files.results(), ignored)) line.state = "finished";
  hear(line, {folder, files.status(), files.trials()});
  hear_parts(line);
  line.done = fmt::format("{} of {} trials begun, {} to the end{}", begun, plan.is_object() ? plan.value("trials", begun) : begun, ended, failed > 0 ? fmt::format(", {} failed", failed) : "");
  if (std::get<0>(best) >= 0) line.message += fmt::format("{}best {}: {}", line.message.empty() ? "" : "; ", plan.value("objective", ""), std::get<2>(best));
  return line;
}

// The files by which a folder is known.
struct Kind {
  fs::path (*mark)(const fs::path& folder);
  Line (*line)(const fs::path&, const std::string&);
};
constexpr std::array<Kind, 5> kKinds{{{[](const fs::path& folder) { return SweepFolder{folder}.trials(); }, &of_sweep},
                                      {[](const fs::path& folder) { return ValidationFolder{folder}.folds(); }, &of_validation},
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

}  // namespace

std::vector<Line> lines_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const fs::path clean = whole.has_filename() ? whole : whole.parent_path();
  if (!fs::is_directory(clean)) throw usage_error("is no folder", {folder.string()}, kGive);
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
  if (lines.empty()) throw usage_error("holds no store, run, validation or sweep", {folder.string()}, kGive);
  return lines;
}

}  // namespace hepar::program
