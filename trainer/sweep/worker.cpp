// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/worker.hpp"

#include "data/base/stop.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace hepar::sweep {

using Json = nlohmann::ordered_json;

// What this group does now. The root decides and claims; a wait is short, so that nobody's deadline passes.
Worker::Next Worker::next() {
  Next next;
  std::string text;
  collective::together(group_, [&] {
    if (group_.rank() != 0) return;
    if (status_) status_->check();
    const Decision decision = next_job(work_.halving, ledger_->facts());
    if (stop_requested()) {
      next.what = Next::What::stop;
    } else if (decision.done) {
      next.what = Next::What::done;
    } else if (decision.job) {
      next.job = *decision.job;
      next.lease = ledger_->claim(next.job);
      if (next.lease) next.what = Next::What::job;
    }
    text = Json{{"what", static_cast<int>(next.what)}, {"trial", next.job.trial}, {"rung", next.job.rung}}.dump();
  });
  const Json shared = Json::parse(collective::broadcast_text(group_, text));
  next.what = static_cast<Next::What>(shared.at("what").get<int>());
  next.job = {shared.at("trial"), shared.at("rung")};
  return next;
}

bool Worker::pull() {
  constexpr std::chrono::milliseconds kPause{500};
  while (true) {
    const Next now = next();
    if (now.what == Next::What::stop) return true;
    if (now.what == Next::What::done) return false;
    if (now.what == Next::What::wait) {
      std::this_thread::sleep_for(kPause);
    } else if (run_job(now.job, now.lease.get())) {
      return true;
    }
  }
}

// True: stopped on request.
bool Worker::run_job(const Job& job, Lease* lease) {
  const std::string label = work_.halving.rungs > 1 ? fmt::format("trial {:03} rung {}", job.trial, job.rung) : fmt::format("trial {:03}", job.trial);
  try {
    const engine::Experiment experiment = with(work_.experiment, work_.trials[static_cast<std::size_t>(job.trial)]);
    const TrialResult result = run_trial({experiment, work_.store, work_.part, work_.endpoints, work_.objective, work_.folder.run(job.trial).root, label, share_of(work_.halving, job.rung), work_.accept_other_machine}, group_, console_);
    if (lease != nullptr) record(job, *lease, label, result);
    return result.stopped;
  } catch (const std::exception& caught) {
    // Who fails alone in a group leaves the others inside a collective: that ends the program.
    if (group_.size() > 1 && dynamic_cast<const AgreedError*>(&caught) == nullptr) throw;
    const Error error = as_error(caught);
    const bool overtaken = group_.size() == 1 && lease->superseded();
    if (!overtaken && error.code() != ExitCode::training && error.code() != ExitCode::usage) throw;
    console_.warning(label + (overtaken ? " is left to another worker: " : " failed: ") + error.what());
    if (lease == nullptr || overtaken) return false;
    ledger_->publish_failure(job, *lease, error.what());  // its settings are to blame, not the machine: the others go on
    lease->leave("failed");
    return false;
  }
}

void Worker::record(const Job& job, Lease& lease, const std::string& label, const TrialResult& result) {
  if (result.stopped) return lease.leave("stopped on request");
  ledger_->publish_rung(job, lease, result.record);
  lease.leave("finished the rung");
  const Json& value = result.record.at("value");
  const std::string text = fmt::format("{}: {} {}", label, work_.objective.name, value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "not estimable");
  console_.note(text);
  if (status_) status_->publish({.phase = "trials", .message = text});
}

}  // namespace hepar::sweep
