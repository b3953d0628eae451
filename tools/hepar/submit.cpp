// SPDX-License-Identifier: Apache-2.0
// `hepar submit COMMAND …`: the same command as Slurm jobs that survive their time limit and lost nodes.
#include "data/base/files.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/text.hpp"
#include "sharding/store/layout.hpp"
#include "tools/hepar/cluster.hpp"
#include "tools/hepar/command_line.hpp"
#include "tools/hepar/print_json.hpp"
#include "tools/hepar/process.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

// What can be submitted, and the file that is there only when all of it is done.
struct Submittable {
  std::string_view command;
  fs::path (*result)(const fs::path& out);
};
constexpr std::array<Submittable, 4> kSubmittable{{{"shard", [](const fs::path& out) { return store::Names{out}.manifest(); }},
                                                   {"train", [](const fs::path& out) { return RunFolder{out}.model_json(); }},
                                                   {"validate", [](const fs::path& out) { return ValidationFolder{out}.results(); }},
                                                   {"sweep", [](const fs::path& out) { return SweepFolder{out}.results(); }}}};

const Submittable& submittable(const std::string& name) {
  std::vector<std::string> names;
  for (const Submittable& one : kSubmittable) {
    if (one.command == name) return one;
    names.emplace_back(one.command);
  }
  throw usage_error("'" + name + "' is not submitted", {}, name_advice(name, names));
}

// The log lies beside --out, and a line of the job script names it: sbatch ends that line at a line break, and a backslash
// would make it take %j as it stands.
void check_place(const fs::path& out) {
  const std::string place = out.string();
  if (std::any_of(place.begin(), place.end(), [](unsigned char c) { return std::iscntrl(c) != 0 || c == '\\'; }))
    throw usage_error("--out holds a control character or a backslash, which a job script cannot name", {}, "choose another folder");
}

struct Submitted {
  std::string id, name;
  fs::path script;
};

class Submit : public Command {
 public:
  std::string_view name() const override { return "submit"; }
  std::string_view summary() const override { return "run a command as Slurm jobs that survive time limits and lost nodes"; }
  std::string_view example() const override { return "hepar submit validate --config experiment.yaml --store store --out validation --cluster configs/cluster/example.yaml --array"; }
  std::string_view positional() const override { return "COMMAND …"; }
  bool wraps_a_command() const override { return true; }
  std::vector<Row> rows() override {
    return {required(row("cluster", cluster_file_, "the site's file")), row("dry_run", dry_run_, "print the scripts, submit nothing"),
            row("array", array_, "validate: a task a fold, and a job that gathers them"), row("tasks", tasks_, Range{1, 100000}, "tasks", "sweep: jobs of an array that pull trials"), row("nodes", nodes_, Range{0, 100000}, "nodes", "instead of the site file's"),
            row("time", time_, "time limit instead of the site file's"), row("after", after_, "ids of jobs to wait for, however they end")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    mpi::together(context.world, [&] {
      if (!context.world.root()) return;
      read(words);
      const std::vector<Job> jobs = plan();
      if (dry_run_) {
        for (const Job& job : jobs) fmt::print("{}", job_script(cluster_, job));
        return;
      }
      print(context, submit(jobs));
    });
    return ExitCode::done;
  }

 private:
  void read(const std::vector<std::string>& words);
  [[nodiscard]] std::vector<Job> plan();
  [[nodiscard]] std::vector<Job> fold_array(Job job);
  [[nodiscard]] Job workers(Job job) const;
  [[nodiscard]] std::vector<Submitted> submit(const std::vector<Job>& jobs) const;
  void print(const Context& context, const std::vector<Submitted>& jobs) const;

  std::string cluster_file_, time_;
  long long nodes_ = 0, tasks_ = 1;
  bool dry_run_ = false, array_ = false;
  std::vector<std::string> after_;
  Cluster cluster_;
  std::vector<std::string> words_;  // the command and its options
  std::string command_;
  fs::path out_;
};

// The command is read here as it will be on the node: a wrong option costs a second, not a night in the queue.
void Submit::read(const std::vector<std::string>& words) {
  if (words.empty()) throw usage_error("'submit' needs a command", {}, "example: " + std::string(example()));
  words_ = words;
  command_ = words.front();
  (void)submittable(command_);
  const Commands known = commands();
  const CommandLine line = parse_command_line(words, known);
  if (line.command == nullptr) throw usage_error("'--help' is not submitted", {}, "hepar " + command_ + " --help");
  for (const Row& row : line.command->rows())
    if (row.name == "out") out_ = fs::absolute(Yaml::parse(row.get(), "--out").text());
  check_place(out_);
  if (tasks_ > 1 && command_ != "sweep") throw usage_error("--tasks goes with sweep, whose workers become its tasks", {}, "validate takes --array");
  if (array_ && command_ != "validate") throw usage_error("--array goes with validate, whose folds become its tasks");
  cluster_ = Cluster::read(cluster_file_);
  if (nodes_ > 0) cluster_.nodes = nodes_;
  if (!time_.empty()) cluster_.time = time_;
  if (cluster_.program.empty()) cluster_.program = cluster_.container.empty() ? fs::read_symlink("/proc/self/exe").string() : "hepar";
}

std::vector<Job> Submit::plan() {
  Job job;
  job.name = command_;
  job.command = {cluster_.program};
  job.command.insert(job.command.end(), words_.begin(), words_.end());
  job.status = RunFolder{out_}.status();
  job.result = submittable(command_).result(out_);
  job.notes = out_.parent_path() / (out_.filename().string() + ".submit");
  job.after = after_;
  if (command_ == "sweep") return {workers(std::move(job))};
  return array_ ? fold_array(std::move(job)) : std::vector<Job>{std::move(job)};
}

// Every task has its own status, and looks at all trials to see whether the work goes on.
Job Submit::workers(Job job) const {
  job.command.insert(job.command.end(), {"--worker", "@TASK@"});
  job.status = SweepFolder{out_}.worker("@TASK@").status();
  job.progress = SweepFolder{out_}.trials();
  job.tasks = tasks_ > 1 ? tasks_ : 0;
  return job;
}

std::vector<Job> Submit::fold_array(Job job) {
  // The program knows the folds of a store; asking it keeps this file free of the trainer.
  std::vector<std::string> question{fs::read_symlink("/proc/self/exe").string()};
  question.insert(question.end(), words_.begin(), words_.end());
  question.emplace_back("--list-folds");
  const std::optional<Answer> answer = ask(question);
  if (!answer || answer->code != 0) throw usage_error("the folds are not known: " + std::string(trim(answer ? answer->text : "the program cannot be started")), {}, "an array needs its store: submit shard first and validate when it is there, or leave out --array");
  Job fold = job;
  fold.name = "fold";
  fold.command.insert(fold.command.end(), {"--fold", "@LINE@"});
  const RunFolder of_task{ValidationFolder{out_}.folds() / "@FOLDER@"};
  fold.status = of_task.status();
  fold.result = of_task.fold();
  fold.lines = fold.notes / "folds.tsv";
  fold.tasks = std::count(answer->text.begin(), answer->text.end(), '\n');
  if (!dry_run_) {
    fs::create_directories(fold.notes);
    publish(fold.lines, answer->text);
  }
  job.name = "gather";
  job.command.emplace_back("--gather");
  job.ranks = 1;
  job.tried_again = false;  // a fold that is missing will not come by asking again
  return {std::move(fold), std::move(job)};
}

std::vector<Submitted> Submit::submit(const std::vector<Job>& jobs) const {
  std::vector<Submitted> done;
  for (Job job : jobs) {
    if (!done.empty()) job.after = {done.back().id};
    std::error_code failed;
    fs::create_directories(job.notes, failed);
    const fs::path script = job.notes / (job.name + ".sbatch");
    publish(script, job_script(cluster_, job));
    const std::optional<Answer> test = ask({"sbatch", "--test-only", script.string()});
    if (!test) throw usage_error("there is no sbatch here", {}, "submit on a login node of the cluster, or look at the script with --dry-run: " + script.string());
    if (test->code != 0) throw usage_error("Slurm would refuse the job: " + std::string(trim(test->text)), {script.string()}, "mend " + cluster_file_);
    const std::optional<Answer> answer = ask({"sbatch", "--parsable", script.string()});
    if (!answer || answer->code != 0) throw usage_error("sbatch failed: " + std::string(trim(answer ? answer->text : "")), {script.string()}, "mend " + cluster_file_);
    // "id" or "id;cluster", after any warnings
    const std::vector<std::string> lines = split(trim(answer->text), '\n');
    done.push_back({split(lines.back(), ';').front(), job.name, script});
  }
  Json record = Json::array();
  for (const Submitted& one : done) record.push_back({{"id", one.id}, {"name", one.name}, {"script", one.script.string()}});
  publish(jobs.front().notes / "jobs.json", json_text({{"schema", "hepar-jobs/1"}, {"command", join(words_, " ")}, {"out", out_.string()}, {"jobs", record}}, 2));
  return done;
}

void Submit::print(const Context& context, const std::vector<Submitted>& jobs) const {
  if (context.json) {
    Json all = Json::array();
    for (const Submitted& job : jobs) all.push_back({{"id", job.id}, {"name", job.name}, {"script", job.script.string()}});
    print_json(all, 2);
    return;
  }
  std::string before;
  for (const std::string& id : after_) before += (before.empty() ? " after " : ", ") + id;
  for (const Submitted& job : jobs) {
    fmt::print("{}  {}{}  {}\n", job.id, job.name, before, job.script.string());
    before = " after " + job.id;
  }
  fmt::print("look at it with: hepar status {}\n", out_.string());
  for (const Submitted& job : jobs) {
    // A limit above the partition's or too many nodes is accepted and waits for ever.
    const std::optional<Answer> reason = ask({"squeue", "-h", "-j", job.id, "-o", "%r"});
    for (const char* never : {"PartitionTimeLimit", "PartitionConfig", "PartitionNodeLimit", "AssocMaxJobsLimit", "QOSMaxWallDurationPerJobLimit"})
      if (reason && reason->text.find(never) != std::string::npos) context.console.warning("job " + job.id + " waits for ever: " + never + "; mend " + cluster_file_ + ", scancel " + job.id + " and submit again");
  }
}

}  // namespace

std::unique_ptr<Command> make_submit_command() { return std::make_unique<Submit>(); }

}  // namespace hepar::program
