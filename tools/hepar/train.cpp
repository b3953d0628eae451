// SPDX-License-Identifier: Apache-2.0
// `hepar train`: one model on all eligible patients of a store.
#include "sharding/store/store.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/validation/decisions.hpp"
#include "trainer/validation/training_weights.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace hepar::program {

namespace {

class Train : public Command {
 public:
  std::string_view name() const override { return "train"; }
  std::string_view summary() const override { return "train one model on all eligible patients of a store"; }
  std::string_view example() const override { return "mpirun -n 4 hepar train --config experiment.yaml --store store --out run"; }
  std::string_view schema() const override { return "hepar-experiment/1"; }
  bool parallel() const override { return true; }
  std::vector<Row> rows() override {
    std::vector<Row> all{required(row("store", store_, "the feature store")), row("out", out_, "folder of the run; an existing one is continued"),
                         row("fresh", fresh_, "move an existing run to OUT.old-N and start over"), row("resume", resume_, "insist that there is a run to continue"),
                         row("accept_other_machine", accept_, "continue although processor, BLAS or instruction set differ; marks the run reproducible: false"),
                         row("explain", explain_, "print each key, its value and where it came from, and stop")};
    for (Row& one : engine::rows(experiment_)) all.push_back(std::move(one));
    for (Row& one : engine::rows(faults_)) all.push_back(std::move(one));
    return all;
  }
  void resolved(const std::vector<Row>& rows) override {
    for (const Row& one : rows) explanation_ += fmt::format("{:<34} {:<28} {}\n", one.name, one.get(), one.origin);
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    if (explain_) {
      if (context.world.root()) fmt::print("{}", explanation_);
      return ExitCode::done;
    }
    std::optional<store::Store> store;
    std::vector<std::int64_t> patients;
    mpi::together(context.world, [&] {
      if (out_.empty()) throw usage_error("'train' needs --out", {}, "example: " + std::string(example()));
      refuse_inside_store(out_);
      store.emplace(store::Store::open(store_));
      for (std::int64_t p = 0; p < store->patients(); ++p)
        if (store->row(p).verdict.eligible()) patients.push_back(p);
      for (const std::string& why : engine::select(experiment_, *store).left_out) context.console.note("left out: " + why);
    });
    const auto group = collective::make_collective(context.world, {.backend = experiment_.resources.collective, .check = experiment_.resources.check_collectives});
    const engine::TrainResult result =
        engine::train({experiment_, *store, patients, out_, "", fresh_, resume_, accept_, faults_, validation::weights_for(experiment_, *store, patients)}, *group, context.console);
    if (!context.world.root()) return result.stopped ? ExitCode::stopped : ExitCode::done;
    // A run that was killed between its model and this part gets it when it is run again.
    if (!result.stopped && (!result.already_finished || lacks_mixture(*store))) add_mixture(*store, patients, result.generation, context.console);
    if (context.json) {
      print_json({{"parameters_sha256", result.parameters_sha256}, {"steps", result.steps}, {"epochs", result.epochs}, {"stopped", result.stopped}});
    } else if (result.stopped) {
      fmt::print("stopped at step {}; run the same command again to continue\n", result.steps);
    } else {
      fmt::print("{}: {} patients, {} steps{}, parameters_sha256 {}\n", out_, patients.size(), result.steps, result.already_finished ? " (was finished)" : "", result.parameters_sha256);
    }
    return result.stopped ? ExitCode::stopped : ExitCode::done;
  }

 private:
  [[nodiscard]] bool lacks_mixture(const store::Store& store) const {
    const engine::Predictor trained = engine::Predictor::open(out_);
    return trained.extra("propensity").empty() || (!store.strategies().single() && trained.extra("effects").empty());
  }
  // The mixture of strategies that `predict` needs for its natural rows, and which of them the patients can speak for.
  void add_mixture(const store::Store& store, const std::vector<std::int64_t>& patients, std::int64_t generation, const Console& console) const {
    const validation::ArmShares shares = validation::ArmShares::fit(store, engine::select(experiment_, store).columns, patients);
    engine::add_to_model(out_, "propensity", shares.json(), generation);
    if (shares.strategies().size() > 1) engine::add_to_model(out_, "effects", validation::effects_for(experiment_, store, patients).json(), generation);
    for (const validation::Strategy& strategy : shares.strategies())
      if (!strategy.not_estimable.empty()) console.note("strategy " + strategy.name + " is not estimable: " + strategy.not_estimable);
  }

  std::string store_, out_, explanation_;
  bool fresh_ = false, resume_ = false, accept_ = false, explain_ = false;
  engine::Experiment experiment_;
  engine::Faults faults_;
};

}  // namespace

std::unique_ptr<Command> make_train_command() { return std::make_unique<Train>(); }

}  // namespace hepar::program
