// SPDX-License-Identifier: Apache-2.0
// `hepar predict`: survival under every strategy for the patients of any store, also one without follow-up.
#include "data/base/files.hpp"
#include "data/base/run_folder.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/engine/model_file.hpp"
#include "trainer/evaluation/seal.hpp"
#include "trainer/evaluation/training_patients.hpp"
#include "trainer/validation/decisions.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace hepar::program {

namespace {

class Predict : public Command {
 public:
  std::string_view name() const override { return "predict"; }
  std::string_view summary() const override { return "survival under every strategy, for the patients of any store"; }
  std::string_view example() const override { return "hepar predict --run run --store store --out predictions.csv"; }
  std::vector<Row> rows() override {
    return {required(row("run", run_, "a trained run, or a fold of a validation")), required(row("store", store_, "any store with the same inputs")), required(row("out", out_, "CSV, a row a (patient, endpoint, strategy); beside it OUT's .decisions.csv")),
            row("freeze", freeze_, "seal the predictions for a prospective study: OUT's .seal.json")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    Made made;
    mpi::together(context.world, [&] {
      if (context.world.root()) made = predict(context);
    });
    if (!context.world.root()) return ExitCode::done;
    if (context.json) {
      nlohmann::ordered_json result{{"predictions", out_}, {"patients", made.patients}, {freeze_ ? "left_out_trained_on" : "trained_on", made.trained_on}};
      if (freeze_) result.update({{"seal_sha256", made.seal}, {"outcomes_known", made.known}});
      print_json(result);
    } else {
      const std::string seen = made.trained_on == 0 ? "" : freeze_ ? fmt::format(", without {} that the model was trained on", made.trained_on) : fmt::format(", {} of whom the model was trained on", made.trained_on);
      fmt::print("{}: {} patients{}\n", out_, made.patients, seen);
      if (freeze_) fmt::print("{}: sealed; deposit its SHA-256 {} where nobody can change it\n", evaluation::seal_path(out_).string(), made.seal);
    }
    return ExitCode::done;
  }

 private:
  struct Made {
    std::int64_t patients = 0, trained_on = 0;
    std::string seal;
    std::int64_t known = 0;  // patients whose outcomes the store holds
  };

  // Those that a validation or a fold records by their hash are not ours.
  void check_out() const {
    const std::string header = validation::PredictionsCsv({}, {}, {}).text();
    const fs::path folder = fs::path(out_).parent_path();
    const bool recorded = fs::exists(ValidationFolder{folder}.results()) || fs::exists(RunFolder{folder}.fold());
    check_output(out_, {"predictions of hepar predict", [&](std::string_view beginning) { return !recorded && beginning.starts_with(std::string_view(header).substr(0, header.size() - 1)); }});
    check_output(evaluation::decisions_path(out_), {"recommendations of hepar predict", [](std::string_view beginning) { return beginning.starts_with("patient_id,centre,fold,recommended"); }});
  }

  // How many of the patients the model was trained on: a seal is of the others alone.
  std::int64_t leave_out_seen(const Context& context, const evaluation::TrainingPatients& training, const store::Store& store, std::vector<std::int64_t>& patients) const {
    const std::int64_t seen = training.count(store, patients);
    if (freeze_) patients = evaluation::unseen(training, store, patients);
    if (seen > 0)
      context.console.warning(freeze_ ? fmt::format("{} patients are left out of the seal: the model was trained on them", seen)
                                      : fmt::format("the model was trained on {} of these {} patients: predictions of theirs say nothing of how well it predicts", seen, patients.size()));
    return seen;
  }

  // Patients that were excluded at enrolment are no patients of this model; those excluded for the analysis are.
  Made predict(const Context& context) const {
    check_out();
    evaluation::refuse_sealed(out_);
    const store::Store store = store::Store::open(store_);
    const engine::Predictor predictor = engine::Predictor::open(run_);
    std::vector<std::int64_t> patients;
    for (std::int64_t p = 0; p < store.patients(); ++p)
      if (store.row(p).verdict.enrolled()) patients.push_back(p);
    const engine::ModelFile model = engine::read_model_file(RunFolder{run_}.model_json());
    const std::int64_t trained_on = leave_out_seen(context, evaluation::TrainingPatients(model), store, patients);
    const validation::CalibrationMaps maps = validation::maps_from(predictor.extra("calibration"));
    if (predictor.extra("propensity").empty()) throw store_error("knows no mixture of strategies", {run_}, "run the command that trained it again: it adds what is missing");
    const validation::ArmShares arms = validation::ArmShares::from_json(predictor.extra("propensity"));
    const std::vector<std::vector<double>> shares = arms.of(store, patients);
    for (const validation::Strategy& strategy : arms.strategies())
      if (!strategy.not_estimable.empty()) context.console.note("strategy " + strategy.name + " is not estimable, its cells are empty: " + strategy.not_estimable);
    if (!arms.note().empty()) context.console.note(arms.note());
    const engine::DecisionConfig decision = engine::experiment_of(model.config_yaml, run_).decision;
    std::vector<std::vector<statistics::EffectModel::LogRatio>> effects(patients.size());
    if (predictor.arms().size() > 1) {
      if (predictor.extra("effects").empty()) throw store_error("knows no effects of its strategies", {run_}, "run the command that trained it again: it adds what is missing");
      effects = validation::RelativeEffects::from_json(predictor.extra("effects")).of(store, patients);
    }
    const validation::DecisionRule rule(decision, arms.strategies(), predictor.endpoints(), model.modalities);
    const std::vector<double> months = validation::with_months(validation::prediction_months(predictor.endpoints()), rule.grid());
    validation::PredictionsCsv csv(predictor.endpoints(), arms.strategies(), months);
    validation::DecisionsCsv decisions(predictor.arms());
    constexpr std::size_t kChunk = 256;
    Progress progress(context.console, "predict", static_cast<std::int64_t>(patients.size()), "patients");
    for (std::size_t first = 0; first < patients.size(); first += kChunk) {
      const std::vector<std::int64_t> part(patients.begin() + static_cast<std::ptrdiff_t>(first), patients.begin() + static_cast<std::ptrdiff_t>(std::min(patients.size(), first + kChunk)));
      const auto curves = predictor.predict_at(store, part, months);
      for (std::size_t i = 0; i < part.size(); ++i) {
        const validation::Prediction prediction = validation::prediction_of(curves[i], shares[first + i], predictor.endpoints(), maps);
        csv.add(store, part[i], "", prediction);
        if (predictor.arms().size() > 1) decisions.add(store.row(part[i]), "", rule.of({rule.curve_of(prediction, months), effects[first + i], shares[first + i], validation::missing_modalities(store, part[i], decision.required)}));
      }
      progress.advance_to(static_cast<std::int64_t>(first + part.size()));
    }
    publish(out_, csv.text());
    if (predictor.arms().size() > 1) publish(evaluation::decisions_path(out_), decisions.text());
    Made made{static_cast<std::int64_t>(patients.size()), trained_on, {}};
    if (!freeze_) return made;
    made.seal = evaluation::freeze({run_, out_, store, patients, trained_on, HEPAR_VERSION, rule.json()});
    made.known = evaluation::outcomes_known(evaluation::read_seal(out_));
    if (made.known > 0)
      context.console.warning(fmt::format("evaluate will refuse this seal: the store knows the outcome of {} of its {} patients already; seal predictions of a store without follow_up", made.known, made.patients));
    return made;
  }

  std::string run_, store_, out_;
  bool freeze_ = false;
};

}  // namespace

std::unique_ptr<Command> make_predict_command() { return std::make_unique<Predict>(); }

}  // namespace hepar::program
