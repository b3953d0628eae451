// SPDX-License-Identifier: Apache-2.0
// A group of ranks that pulls trials from the folder until nothing is left.
#pragma once

#include "data/base/status.hpp"
#include "trainer/sweep/search.hpp"
#include "trainer/sweep/trial_files.hpp"
#include "trainer/sweep/trial_run.hpp"

#include <memory>
#include <string>
#include <vector>

namespace hepar::sweep {

// What all trials of a sweep share.
struct Work {
  const engine::Experiment& experiment;
  const store::Store& store;
  const validation::Fold& part;
  const std::vector<std::string>& endpoints;
  const std::vector<Settings>& trials;
  Halving halving;
  const Objective& objective;
  SweepFolder folder;
  bool accept_other_machine = false;
};

class Worker {
 public:
  // `ledger`: of the group's root, null elsewhere. `status`: of the program's root, null elsewhere.
  Worker(Work work, Ledger* ledger, StatusFile* status, collective::Collective& group, const Console& console) : work_(std::move(work)), ledger_(ledger), status_(status), group_(group), console_(console) {}

  // Collective over the group. True: stopped on request, what was begun has its checkpoint.
  [[nodiscard]] bool pull();

 private:
  struct Next {
    enum class What { job, wait, done, stop } what = What::wait;
    Job job;
    std::unique_ptr<Lease> lease;  // the root's alone
  };
  [[nodiscard]] Next next();
  [[nodiscard]] bool run_job(const Job& job, Lease* lease);
  void record(const Job& job, Lease& lease, const std::string& label, const TrialResult& result);

  Work work_;
  Ledger* ledger_;
  StatusFile* status_;
  collective::Collective& group_;
  const Console& console_;
};

}  // namespace hepar::sweep
