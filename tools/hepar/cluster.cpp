// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/cluster.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hepar::program {

// slurm/survive.sh, put into the program by CMake.
std::string_view survive_script();

namespace {

constexpr double kMany = 100000;

// One option of sbatch: nothing when the site says nothing.
void directive(std::string& out, const char* option, const std::string& value) {
  if (!value.empty()) out += fmt::format("#SBATCH --{}={}\n", option, value);
}

// sbatch reads quotes and # like a shell, and replaces %x and the like.
std::string log_of(const Job& job) {
  std::string folder;
  for (const char c : job.notes.string()) folder += c == '%' ? std::string("%%") : c == '"' ? std::string("\\\"") : std::string(1, c);
  return '"' + folder + (job.tasks > 0 ? "/%x-%A_%a.log" : "/%x-%j.log") + '"';
}

std::string number(long long value) { return value > 0 ? std::to_string(value) : std::string(); }

std::string header(const Cluster& cluster, const Job& job) {
  const bool whole = job.ranks == 0;
  const long long nodes = whole ? cluster.nodes : 1, tasks = whole ? cluster.tasks_per_node : job.ranks;
  std::string out = "#!/usr/bin/env bash\n";
  directive(out, "job-name", "hepar-" + job.name);
  directive(out, "nodes", number(nodes));
  directive(out, "ntasks-per-node", number(tasks));
  directive(out, "cpus-per-task", number(cluster.cpus_per_task));
  directive(out, "gpus-per-node", whole ? number(cluster.gpus_per_node) : "");
  directive(out, "time", cluster.time);
  directive(out, "partition", cluster.partition);
  directive(out, "account", cluster.account);
  directive(out, "qos", cluster.qos);
  directive(out, "mem", cluster.memory);
  directive(out, "constraint", cluster.constraint);
  directive(out, "mail-user", cluster.mail);
  if (!cluster.mail.empty()) directive(out, "mail-type", "END,FAIL");
  if (job.tasks > 0) directive(out, "array", fmt::format("0-{}{}", job.tasks - 1, cluster.array_limit > 0 ? fmt::format("%{}", cluster.array_limit) : ""));
  // afterany: afterok waits for ever on a failed job and passes on a purged one; the work itself looks at status files.
  if (!job.after.empty()) directive(out, "dependency", "afterany:" + join(job.after, ":"));
  out += "#SBATCH --requeue\n#SBATCH --open-mode=append\n";
  directive(out, "signal", fmt::format("B:{}@{}", cluster.signal, cluster.signal_lead));
  directive(out, "output", log_of(job));
  for (const std::string& more : cluster.extra) out += "#SBATCH " + more + "\n";
  return out;
}

std::vector<std::string> launch_words(const Cluster& cluster, const Job& job) {
  std::vector<std::string> words{"srun", "--mpi=" + cluster.mpi, "--kill-on-bad-exit=1"};
  if (cluster.launcher == "mpirun") {
    const long long ranks = job.ranks > 0 ? job.ranks : cluster.nodes * cluster.tasks_per_node;
    // Left alone, mpirun ties a rank with all its threads to one core.
    words = {"mpirun", "-n", std::to_string(ranks), "--bind-to", "none"};
  }
  if (!cluster.container.empty()) {
    for (const char* word : {"apptainer", "exec"}) words.emplace_back(word);
    for (const std::string& folder : cluster.bind) words.insert(words.end(), {"--bind", folder});
    words.push_back(cluster.container);
  }
  words.insert(words.end(), job.command.begin(), job.command.end());
  return words;
}

// A task's own part: its line of `lines` is a fold's name, a tab, and its folder.
struct TaskPart {
  std::string_view mark, shell;
};
constexpr std::array<TaskPart, 3> kTaskParts{{{"@LINE@", "\"${line%%$'\\t'*}\""}, {"@FOLDER@", "\"${line##*$'\\t'}\""}, {"@TASK@", "\"${SLURM_ARRAY_TASK_ID:-0}\""}}};

// The word for the shell, marks replaced by the task's own parts.
std::string with_line(const std::string& word) {
  for (const TaskPart& part : kTaskParts) {
    const std::size_t at = word.find(part.mark);
    if (at == std::string::npos) continue;
    const std::string front = word.substr(0, at), back = word.substr(at + part.mark.size());
    return (front.empty() ? "" : quoted(front)) + std::string(part.shell) + (back.empty() ? "" : quoted(back));
  }
  return quoted(word);
}

}  // namespace

std::string quoted(const std::string& word) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("_-./:=,+@%").find(c) != std::string_view::npos; };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::vector<Row> Cluster::rows() {
  const Range some{1, kMany}, any{0, kMany};
  return {row("launcher", launcher, {"srun", "mpirun"}, "what starts the ranks"),
          row("mpi", mpi, "srun --mpi=…; srun --mpi=list shows what the site has"),
          row("nodes", nodes, some, "nodes", "nodes of a job"),
          row("tasks_per_node", tasks_per_node, some, "ranks", "ranks of a node"),
          row("cpus_per_task", cpus_per_task, some, "cores", "cores of a rank: its slots at once"),
          row("gpus_per_node", gpus_per_node, any, "GPUs", "GPUs of a node; ranks choose theirs by local rank"),
          row("time", time, "time limit as sbatch takes it: 08:00:00, 2-00:00:00"),
          row("partition", partition, "partition"),
          row("account", account, "account"),
          row("qos", qos, "quality of service"),
          row("memory", memory, "memory of a node: 64G"),
          row("constraint", constraint, "features of the nodes"),
          row("mail", mail, "where Slurm writes when a job ends"),
          row("signal", signal, {"USR1", "USR2"}, "asks a job to stop in time"),
          row("signal_lead", signal_lead, Range{60, 36000}, "seconds", "how long before the limit: at least a checkpoint and a minute"),
          row("array_limit", array_limit, any, "tasks", "tasks of an array at once; 0: all"),
          row("setup", setup, "shell lines before the work: module load …"),
          row("program", program, "hepar on the nodes; default: the program that submits"),
          row("container", container, "Apptainer image that holds hepar"),
          row("bind", bind, "folders to bind into the container"),
          row("extra", extra, "further options of sbatch, verbatim")};
}

Cluster Cluster::read(const std::filesystem::path& path) {
  Cluster cluster;
  const Yaml document = Yaml::read(path);
  if (const Yaml schema = document.at("schema"); schema.text() != "hepar-cluster/1") throw schema.error("is '" + schema.text() + "'", "submit reads hepar-cluster/1");
  std::vector<Row> rows = cluster.rows();
  apply(document, rows, {"schema"});
  cluster.check();
  return cluster;
}

void Cluster::check() const {
  if (launcher == "srun" && mpi == "none") throw usage_error("mpi is 'none': every rank would do all the work alone", {}, "srun --mpi=list shows the site's plugins; mpi: pmix is the usual one, else launcher: mpirun");
  if (gpus_per_node > 0 && tasks_per_node > gpus_per_node)
    throw usage_error(fmt::format("{} ranks a node would share {} GPUs", tasks_per_node, gpus_per_node), {}, fmt::format("set tasks_per_node: {}", gpus_per_node));
  if (!bind.empty() && container.empty()) throw usage_error("bind is given without a container", {}, "name the image under container, or remove bind");
}

std::string job_script(const Cluster& cluster, const Job& job) {
  std::string out = header(cluster, job) + "\nset -u\n";
  for (const std::string& line : cluster.setup) out += line + "\n";
  if (!job.lines.empty()) out += fmt::format("line=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {})\n", quoted(job.lines.string()));
  std::vector<std::string> words;
  for (const std::string& word : launch_words(cluster, job)) words.push_back(with_line(word));
  out += "launch=(" + join(words, " ") + ")\n";
  out += "status=" + with_line(job.status.string()) + "\nresult=" + with_line(job.result.string()) + "\nnotes=" + quoted(job.notes.string()) + "\n";
  if (!job.progress.empty()) out += "progress=" + quoted(job.progress.string()) + "\n";
  if (!job.tried_again) out += "again=no\n";
  out += fmt::format("stop={}\nlead={}\n\n", cluster.signal, cluster.signal_lead);
  return out + std::string(survive_script());
}

}  // namespace hepar::program
