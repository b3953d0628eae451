// SPDX-License-Identifier: Apache-2.0
// `hepar evaluate`: sealed predictions against the follow-up that came later.
#include "data/base/files.hpp"
#include "data/base/machine.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/evaluation/statistician.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace hepar::program {

namespace {

class Evaluate : public Command {
 public:
  std::string_view name() const override { return "evaluate"; }
  std::string_view summary() const override { return "sealed predictions against later follow-up: consistent and inconsistent treatment"; }
  std::string_view example() const override { return "hepar evaluate --predictions predictions.csv --cohort cohort.yaml --out evaluation"; }
  std::vector<Row> rows() override {
    return {required(row("predictions", predictions_, "predictions that were sealed by predict --freeze")),
            required(row("cohort", cohort_, "the cohort's YAML, with the follow-up since")),
            required(row("out", out_, "folder for evaluation.json, evaluation.txt and the files of headline.R")),
            row("adverse_events", adverse_events_, "CSV: patient_id[, centre], term, grade 1 to 5"),
            row("validation", validation_, "folder of hepar validate, to show what was lost since"),
            row("null_simulations", simulations_, {0, 10000}, "simulations", "of each study in which nothing works, through the same code"),
            row("min_events", min_events_, {1, 1e6}, "events", "with fewer, discrimination and calibration are not estimable")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    mpi::together(context.world, [&] {
      if (context.world.root()) evaluate(context);
    });
    return ExitCode::done;
  }

 private:
  void evaluate(const Context& context) const {
    const fs::path out(out_);
    make_folder(out);
    evaluation::EvaluationRequest request{predictions_, cohort_, validation_, adverse_events_, {}, min_events_};
    request.nulls.simulations = static_cast<int>(simulations_);
    request.nulls.threads = this_machine().cores;
    const evaluation::Evaluation result = evaluation::evaluate(request);
    const nlohmann::ordered_json json = evaluation::evaluation_json(result);
    const std::string text = evaluation::evaluation_text(result);
    for (const auto& [name, file] : evaluation::statistician_files(result)) publish(out / name, file);
    publish(out / "evaluation.txt", text);
    publish(out / kEvaluationDocument.file, sealed(json));
    fmt::print("{}", context.json ? json_text(json) : text);
  }

  std::string predictions_, cohort_, out_, validation_, adverse_events_;
  long long simulations_ = 60, min_events_ = 10;
};

}  // namespace

std::unique_ptr<Command> make_evaluate_command() { return std::make_unique<Evaluate>(); }

}  // namespace hepar::program
