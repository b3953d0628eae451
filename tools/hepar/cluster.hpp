// SPDX-License-Identifier: Apache-2.0
// A site's facts (configs/cluster/*.yaml) and the job scripts made of them. Knows Slurm's words, runs nothing.
#pragma once

#include "data/base/options.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace hepar::program {

// What stands in a site file. Empty or 0: nothing is asked of Slurm.
struct Cluster {
  std::string launcher = "srun", mpi = "pmix";
  long long nodes = 1, tasks_per_node = 1, cpus_per_task = 1, gpus_per_node = 0;
  std::string time, partition, account, qos, memory, constraint, mail;
  std::string signal = "USR2";
  long long signal_lead = 300;        // seconds
  long long array_limit = 0;          // tasks of an array at once
  std::vector<std::string> setup;     // shell lines
  std::string program;                // path or name on the nodes; empty: the one that submits
  std::string container;              // Apptainer image
  std::vector<std::string> bind, extra;

  [[nodiscard]] std::vector<Row> rows();  // keys of a file of schema hepar-cluster/1, bound to this object
  [[nodiscard]] static Cluster read(const std::filesystem::path& path);
  // usage_error for what no Slurm would take.
  void check() const;
};

struct Job {
  std::string name;                    // "validate", "fold", "gather"
  std::vector<std::string> command;    // program and options; an array task puts its line of `lines` for @LINE@, its number for @TASK@
  std::filesystem::path status, result, notes;
  std::filesystem::path progress;      // folder in which new files mean that the work goes on; empty: that of `status`
  bool tried_again = true;             // false: a failure that the program reports is final
  long long ranks = 0;                 // 0: nodes x tasks_per_node
  std::filesystem::path lines;         // one line a task of an array, or empty
  long long tasks = 0;                 // 0: no array
  std::vector<std::string> after;      // job ids; the job starts however they ended and looks for itself
};

// The whole batch script: header from the site, the work, and slurm/survive.sh.
[[nodiscard]] std::string job_script(const Cluster& cluster, const Job& job);

// A word as the shell reads it back.
[[nodiscard]] std::string quoted(const std::string& word);

}  // namespace hepar::program
