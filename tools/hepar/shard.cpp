// SPDX-License-Identifier: Apache-2.0
// `hepar shard`: a cohort to a feature store, on any number of ranks, the same bytes.
#include "sharding/pack/pack.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"
#include "tools/hepar/tile_encoders.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

namespace hepar::program {

namespace {

class Shard : public Command {
 public:
  std::string_view name() const override { return "shard"; }
  std::string_view summary() const override { return "extract features and tables of a cohort into an HDF5 store"; }
  std::string_view example() const override { return "mpirun -n 4 hepar shard --cohort cohort.yaml --out store"; }
  bool parallel() const override { return true; }
  std::vector<Row> rows() override {
    return {required(row("cohort", cohort_, "the cohort's YAML")), required(row("out", out_, "folder of the store; an existing one is continued or updated")),
            row("dry_run", dry_run_, "say what would be extracted, and stop"), row("retry_failed", retry_failed_, "extract again what failed before"),
            row("fresh", fresh_, "move an existing store to OUT.old-N and start over")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    const auto start = std::chrono::steady_clock::now();
    const pack::Summary summary = pack::build_store({cohort_, out_, dry_run_, retry_failed_, fresh_, &tile_encoder}, context.world, context.console);
    if (!context.world.root()) return ExitCode::done;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (const std::string& note : summary.notes) context.console.note("note: " + note);
    if (context.json) {
      print_json({{"patients", summary.patients}, {"extracted", summary.extracted}, {"reused", summary.reused}, {"failures", summary.failures}, {"shards", summary.shards}, {"shards_written", summary.shards_written},
                  {"feature_bytes", summary.feature_bytes}, {"changed", summary.changed}, {"features_sha256", summary.features_sha256},
                  {"tables_sha256", summary.tables_sha256}, {"source_bytes", summary.source_bytes}, {"predicted_seconds", summary.predicted_seconds}, {"seconds", seconds}, {"ranks", context.world.size()}}, 2);
      return ExitCode::done;
    }
    if (dry_run_) {
      fmt::print("{} patients: {} to extract ({:.1f} MB of source files), {} already there; about {:.1f} MB of features in {} shards, {} on {} rank{}\n", summary.patients, summary.extracted,
                 static_cast<double>(summary.source_bytes) / 1e6, summary.reused, static_cast<double>(summary.feature_bytes) / 1e6, summary.shards, duration_text(summary.predicted_seconds), context.world.size(), context.world.size() == 1 ? "" : "s");
      return ExitCode::done;
    }
    if (!summary.changed) {
      fmt::print("{}: {} patients, nothing had changed\n", out_, summary.patients);
      return ExitCode::done;
    }
    fmt::print("{}\n{}: {} patients ({} extracted, {} reused), {} of {} shards written, {:.1f} MB of features, {} left out with a reason (failures.csv), {}\n", summary.flow_text, out_,
               summary.patients, summary.extracted, summary.reused, summary.shards_written, summary.shards, static_cast<double>(summary.feature_bytes) / 1e6, summary.failures, duration_text(seconds));
    return ExitCode::done;
  }

 private:
  std::string cohort_, out_;
  bool dry_run_ = false, retry_failed_ = false, fresh_ = false;
};

}  // namespace

std::unique_ptr<Command> make_shard_command() { return std::make_unique<Shard>(); }

}  // namespace hepar::program
