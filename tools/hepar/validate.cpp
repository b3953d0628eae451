// SPDX-License-Identifier: Apache-2.0
// `hepar validate`: a model a fold, each tested on patients (and centres) that it never saw.
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/validation/validate.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace hepar::program {

namespace {

class Validate : public Command {
 public:
  std::string_view name() const override { return "validate"; }
  std::string_view summary() const override { return "train a model a fold and test it on who was held out"; }
  std::string_view example() const override { return "mpirun -n 4 hepar validate --config experiment.yaml --store store --out validation"; }
  std::string_view schema() const override { return "hepar-experiment/1"; }
  bool parallel() const override { return true; }
  std::vector<Row> rows() override {
    std::vector<Row> all{required(row("store", store_, "the feature store")), required(row("out", out_, "folder of the validation; an existing one is continued")),
                         row("fold", fold_, "make folds/NAME only (an array task)"), row("gather", gather_, "train nothing; pool finished folds and name missing ones"),
                         row("list_folds", list_folds_, "print the folds, one a line (name, tab, folder), and stop"), row("fresh", fresh_, "move an existing validation to OUT.old-N and start over"), row("resume", resume_, "insist that there is a validation to continue"),
                         row("accept_other_machine", accept_, "continue folds although processor, BLAS or instruction set differ; marks them reproducible: false")};
    for (Row& one : engine::rows(experiment_)) all.push_back(std::move(one));
    return all;
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    if (gather_ && !fold_.empty()) throw usage_error("--fold and --gather exclude each other");
    if (fresh_ && (gather_ || !fold_.empty())) throw usage_error("--fresh moves the whole validation away and does not go with --fold or --gather", {}, "remove folds/NAME to make one fold again");
    if (list_folds_) {
      std::string text;
      mpi::together(context.world, [&] { text = validation::fold_list(experiment_, store_); });
      if (context.world.root()) fmt::print("{}", text);
      return ExitCode::done;
    }
    mpi::together(context.world, [&] { refuse_inside_store(out_); });
    const validation::ValidateResult result = validation::validate({experiment_, store_, out_, fold_, gather_, fresh_, resume_, accept_, context.command_line}, context.world, context.console);
    if (result.stopped) return ExitCode::stopped;
    if (!context.world.root() || result.text.empty()) return ExitCode::done;
    if (context.json) {
      print_json({{"results", out_ + "/validation.json"}, {"pooled", nlohmann::ordered_json::parse(result.pooled)}});
    } else {
      fmt::print("{}{}/validation.json\n", result.text, out_);
    }
    return ExitCode::done;
  }

 private:
  std::string store_, out_, fold_;
  bool gather_ = false, fresh_ = false, resume_ = false, accept_ = false, list_folds_ = false;
  engine::Experiment experiment_;
};

}  // namespace

std::unique_ptr<Command> make_validate_command() { return std::make_unique<Validate>(); }

}  // namespace hepar::program
