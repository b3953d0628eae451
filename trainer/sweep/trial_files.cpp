// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/trial_files.hpp"

#include "data/base/claim.hpp"
#include "data/base/machine.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

namespace hepar::sweep {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRemedy = "remove the file and run the same sweep again";
constexpr std::int64_t kDeathsAllowed = 5;  // of workers on one trial, without a new checkpoint
constexpr double kTouchesPerLease = 20;     // ten and more may be late before anybody else begins

std::optional<std::int64_t> number_behind(const std::string& name, std::string_view front) {
  if (!name.starts_with(front)) return std::nullopt;
  std::string_view rest = std::string_view(name).substr(front.size());
  if (rest.ends_with(".json")) rest.remove_suffix(5);
  const auto number = parse_integer(rest);
  return number ? std::optional<std::int64_t>(*number) : std::nullopt;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// Numbers of processes mean something where boot and namespace are the same.
std::string kernel_identity() {
  std::error_code ignored;
  const fs::path boot = "/proc/sys/kernel/random/boot_id";
  return this_machine().host + " " + (fs::exists(boot, ignored) ? std::string(trim(read_file(boot))) : "") + " " + fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

// Field 22 of /proc/PID/stat; 0 when there is no such process. The name in field 2 may hold anything but ends with the last ')'.
std::int64_t start_of_process(std::int64_t process) {
  const fs::path path = fmt::format("/proc/{}/stat", process);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return 0;
  try {
    const std::string text = read_file(path);
    const std::vector<std::string> fields = split(trim(std::string_view(text).substr(text.rfind(')') + 1)), ' ');
    constexpr std::size_t kStart = 22 - 3;  // field 3 is the first behind the name
    return fields.size() > kStart && fields[0] != "Z" ? parse_integer(fields[kStart]).value_or(0) : 0;
  } catch (const Error&) {
    return 0;  // ended in between
  }
}

void touch(const fs::path& file) { ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }  // null: the server's own clock

double seconds_of(const struct stat& file) { return static_cast<double>(file.st_mtim.tv_sec) + 1e-9 * static_cast<double>(file.st_mtim.tv_nsec); }

}  // namespace

Holder Holder::here(std::string worker) {
  Holder me{std::move(worker), kernel_identity(), environment("SLURM_JOB_ID"), ::getpid(), start_of_process(::getpid()), parse_integer(environment("SLURM_RESTART_COUNT")).value_or(0)};
  if (const std::string array = environment("SLURM_ARRAY_JOB_ID"); !array.empty()) me.job = array + "_" + environment("SLURM_ARRAY_TASK_ID");
  return me;
}

Lease::Lease(SweepFolder folder, std::int64_t trial, std::int64_t generation, double seconds) : folder_(std::move(folder)), trial_(trial), generation_(generation) {
  touching_ = std::jthread([file = folder_.lease(trial, generation), pause = std::chrono::duration<double>(seconds / kTouchesPerLease)](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any waiting;
    std::unique_lock lock(mutex);
    while (!waiting.wait_for(lock, stop, pause, [] { return false; }) && !stop.stop_requested()) touch(file);
  });
}

Lease::~Lease() = default;

bool Lease::superseded() const {
  std::error_code ignored;
  return fs::exists(folder_.lease(trial_, generation_ + 1), ignored);
}

void Lease::check() const {
  if (!superseded()) return;
  throw Error(ExitCode::rank_failed, fmt::format("superseded: another worker holds the trial since generation {}", generation_ + 1), folder_.trial(trial_).string(), "leave it to that one");
}

void Lease::leave(const std::string& why) {
  touching_ = {};
  publish(folder_.left(trial_, generation_), why + "\n");
}

// What stands in a trial's folder.
struct Ledger::Seen {
  int rungs = 0;
  bool failed = false;
  std::int64_t generation = 0;  // of the newest lease; 0: never claimed
  int rung = 0;                 // that it was taken for
  bool held = false;            // it was not left, and its holder lives
};

Ledger::Ledger(SweepFolder folder, std::vector<Settings> trials, Holder me, double lease_seconds)
    : folder_(std::move(folder)), trials_(std::move(trials)), me_(std::move(me)), lease_seconds_(lease_seconds) {
  std::error_code failed;
  make_folder(folder_.trials());
  make_folder(folder_.worker(me_.worker).root);
  publish(folder_.worker(me_.worker).root / "clock", "");
}

// By the file server's clock alone: those of two nodes may differ by more than a lease.
double Ledger::age_of(const fs::path& file) const {
  const fs::path clock = folder_.worker(me_.worker).root / "clock";
  touch(clock);
  struct stat now {}, then {};
  if (::stat(clock.c_str(), &now) != 0 || ::stat(file.c_str(), &then) != 0) return 0;
  return seconds_of(now) - seconds_of(then);
}

bool Ledger::alive(const Json& lease, double age) const {
  const std::string job = lease.value("job", "");
  if (!job.empty() && job == me_.job && lease.value("restart", std::int64_t{0}) < me_.restart) return false;
  if (lease.value("host", "") == me_.host) return start_of_process(lease.value("process", std::int64_t{0})) == lease.value("process_start", std::int64_t{0});
  return age < lease.value("seconds", lease_seconds_);
}

Ledger::Seen Ledger::look(std::int64_t trial) {
  Seen seen;
  std::error_code ignored;
  if (!fs::exists(folder_.trial(trial), ignored)) return seen;
  std::vector<std::int64_t> left;
  for (const fs::path& path : entries_of(folder_.trial(trial))) {
    const std::string name = path.filename().string();
    if (name == "failed.json") seen.failed = true;
    if (const auto n = number_behind(name, "lease-")) seen.generation = std::max(seen.generation, *n);
    if (const auto n = number_behind(name, "left-")) left.push_back(*n);
    if (number_behind(name, "rung-")) ++seen.rungs;
  }
  if (seen.generation == 0) return seen;
  const fs::path newest = folder_.lease(trial, seen.generation);
  const Json lease = Json::parse(read_file(newest), nullptr, false);
  if (!lease.is_object()) return seen;
  seen.rung = lease.value("rung", 0);
  seen.held = std::find(left.begin(), left.end(), seen.generation) == left.end() && alive(lease, age_of(newest));
  return seen;
}

Json Ledger::record(std::int64_t trial, int rung) const { return read_sealed(folder_.rung(trial, rung), kRungDocument.schema, kRemedy); }

std::optional<std::string> Ledger::failure(std::int64_t trial) const {
  std::error_code ignored;
  if (!fs::exists(folder_.failure(trial), ignored)) return std::nullopt;
  return read_sealed(folder_.failure(trial), kRungDocument.schema, kRemedy).at("message").get<std::string>();
}

std::vector<TrialFacts> Ledger::facts() {
  std::vector<TrialFacts> all(trials_.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto trial = static_cast<std::int64_t>(i);
    const Seen seen = look(trial);
    TrialFacts& facts = all[i];
    for (int rung = 0; rung < seen.rungs; ++rung) {
      const auto key = std::pair(trial, rung);
      if (!scores_.contains(key)) {
        const Json score = record(trial, rung).at("score");
        scores_[key] = score.is_number() ? score.get<double>() : std::nan("");
      }
      facts.scores.push_back(scores_.at(key));
    }
    facts.failed = seen.failed;
    if (seen.generation == 0 || seen.failed) continue;
    facts.begun = seen.rung == seen.rungs;
    facts.held = seen.held;
  }
  return all;
}

std::int64_t Ledger::newest_checkpoint(std::int64_t trial) const {
  std::int64_t newest = 0;
  const RunFolder run = folder_.run(trial);
  std::error_code ignored;
  if (!fs::exists(run.checkpoints(), ignored)) return 0;
  for (const fs::path& path : entries_of(run.checkpoints()))
    if (const auto step = number_behind(path.filename().string(), "step-")) newest = std::max(newest, *step);
  return newest;
}

// Claims of this rung that ended without a word and without a checkpoint beyond `step`.
std::int64_t Ledger::deaths(const Job& job, std::int64_t before, std::int64_t step) const {
  std::int64_t count = 0;
  std::error_code ignored;
  for (std::int64_t generation = before; generation > 0; --generation) {
    const Json lease = Json::parse(read_file(folder_.lease(job.trial, generation)), nullptr, false);
    if (!lease.is_object() || lease.value("rung", 0) != job.rung || lease.value("step", std::int64_t{0}) != step) break;
    count += fs::exists(folder_.left(job.trial, generation), ignored) ? 0 : 1;
  }
  return count;
}

std::unique_ptr<Lease> Ledger::claim(const Job& job) {
  std::error_code failed;
  make_folder(folder_.trial(job.trial));
  Json settings = Json::object();
  for (const auto& [key, value] : trials_[static_cast<std::size_t>(job.trial)]) settings[key] = value;
  if (!fs::exists(folder_.settings(job.trial), failed)) publish(folder_.settings(job.trial), sealed({{"schema", kTrialDocument.schema}, {"trial", job.trial}, {"settings", settings}}));
  const Seen before = look(job.trial);
  if (before.held) return nullptr;  // since the facts were read
  const std::int64_t generation = before.generation + 1, step = newest_checkpoint(job.trial);
  const Json lease{{"trial", job.trial}, {"rung", job.rung}, {"generation", generation}, {"step", step}, {"seconds", lease_seconds_}, {"worker", me_.worker}, {"host", me_.host},
                   {"job", me_.job}, {"restart", me_.restart}, {"process", me_.process}, {"process_start", me_.process_start}};
  if (!hepar::claim(folder_.lease(job.trial, generation), lease.dump() + "\n")) return nullptr;
  auto held = std::make_unique<Lease>(folder_, job.trial, generation, lease_seconds_);
  // Whoever had it may have finished between the look and the claim.
  const Seen now = look(job.trial);
  if (now.rungs != job.rung || now.failed) {
    held->leave("nothing to do");
    return nullptr;
  }
  if (const std::int64_t dead = deaths(job, generation - 1, step); dead >= kDeathsAllowed) {
    publish_failure(job, *held, fmt::format("{} workers died on it at step {}, one after the other; remove failed.json to try it again", dead, step));
    held->leave("failed");
    return nullptr;
  }
  return held;
}

void Ledger::publish_rung(const Job& job, const Lease& lease, Json record) const {
  Json whole{{"schema", kRungDocument.schema}, {"trial", job.trial}, {"rung", job.rung}, {"generation", lease.generation()}, {"worker", me_.worker}};
  whole.update(record);
  lease.check();
  publish(folder_.rung(job.trial, job.rung), sealed(std::move(whole)));
}

void Ledger::publish_failure(const Job& job, const Lease& lease, const std::string& why) const {
  lease.check();
  publish(folder_.failure(job.trial), sealed({{"schema", kRungDocument.schema}, {"trial", job.trial}, {"rung", job.rung}, {"generation", lease.generation()}, {"worker", me_.worker}, {"message", why}}));
}

}  // namespace hepar::sweep
