// SPDX-License-Identifier: Apache-2.0
// `hepar plan`: how long a whole study will take, from steps measured here. What was not measured is said to be extrapolated.
#include "data/base/machine.hpp"
#include "data/base/text.hpp"
#include "sharding/store/store.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/dataset/dataset.hpp"
#include "trainer/engine/engine.hpp"
#include "trainer/engine/optimiser.hpp"
#include "trainer/engine/rehearsal.hpp"
#include "trainer/validation/fold_plan.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>

namespace hepar::program {

namespace {

// Medians of measured steps of the slowest rank.
struct Measured {
  int ranks = 1;
  double per_cost = 0;         // seconds of one worker for a unit of predicted cost
  double rest = 0;             // of a step that ranks do not share: update and the like
  double sum = 0;              // exposed wait for sums over ranks
  double bytes = 0;            // that a rank gives to these sums
  std::int64_t memory = 0;     // peak of a rank
};

struct Prediction {
  int ranks = 1;
  double step = 0, hours = 0, efficiency = 0;
  const char* how = "";
};

double middle(std::vector<double> samples) {
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2), samples.end());
  return samples[samples.size() / 2];
}

// The study: steps of one training, and the load of each step's busiest worker for a number of workers.
class Study {
 public:
  Study(const engine::Experiment& experiment, const store::Store& store, std::vector<std::int64_t> patients)
      : sampler_(std::move(patients), static_cast<std::uint64_t>(experiment.seed), experiment.train.slots_per_step, experiment.train.patients_per_slot),
        cost_(dataset::patient_costs(store, engine::select(experiment, store).modalities, experiment.train.bag_cap)), steps_(engine::planned_steps(experiment.train, sampler_.steps_per_epoch())) {}

  [[nodiscard]] std::int64_t steps() const { return steps_; }
  // Mean over an epoch of the predicted cost of the worker that has most to do.
  [[nodiscard]] double busiest(int workers) const {
    double sum = 0;
    const std::int64_t looked_at = std::min<std::int64_t>(sampler_.steps_per_epoch(), kLookedAt);
    for (std::int64_t step = 0; step < looked_at; ++step) sum += busiest_in(sampler_.step(step), workers);
    return sum / static_cast<double>(looked_at);
  }

 private:
  static constexpr std::int64_t kLookedAt = 200;

  [[nodiscard]] double busiest_in(const dataset::StepPlan& plan, int workers) const {
    double most = 0;
    for (const std::vector<std::int64_t>& share : dataset::share_out(plan, cost_, workers)) {
      double load = 0;
      for (const std::int64_t slot : share)
        for (const std::int64_t p : plan.slots[static_cast<std::size_t>(slot)].patients) load += cost_[static_cast<std::size_t>(p)];
      most = std::max(most, load);
    }
    return most;
  }

  dataset::Sampler sampler_;
  std::vector<double> cost_;
  std::int64_t steps_;
};

double slowest_of(double seconds, collective::Collective& group) {
  auto nanoseconds = static_cast<std::int64_t>(std::llround(seconds * 1e9));
  group.all_reduce_max(std::span(&nanoseconds, 1));
  return static_cast<double>(nanoseconds) * 1e-9;
}

// An all-reduce in pieces moves 2 (R-1)/R of the bytes over every link, and waits 2 log2 R times for a message.
double sum_seconds(const Measured& measured, int ranks) {
  constexpr double kBytesPerSecond = 2e9, kMessage = 3e-5;  // of one host, where none were measured
  if (ranks == 1) return 0;
  if (measured.ranks == 1) return measured.bytes * 2 * (ranks - 1) / ranks / kBytesPerSecond + 2 * std::log2(ranks) * kMessage;
  const double share = (ranks - 1.0) / ranks / ((measured.ranks - 1.0) / measured.ranks);
  return measured.sum * share + 2 * (std::log2(ranks) - std::log2(measured.ranks)) * kMessage;
}

class Plan : public Command {
 public:
  std::string_view name() const override { return "plan"; }
  std::string_view summary() const override { return "predict hours, memory and efficiency of a study from measured steps"; }
  std::string_view example() const override { return "mpirun -n 2 hepar plan --config experiment.yaml --store store --seeds 5 --time-limit-hours 24"; }
  std::string_view schema() const override { return "hepar-experiment/1"; }
  std::vector<std::string> explained_elsewhere() const override { return {"model", "train", "validation", "decision", "resources"}; }
  std::vector<Row> rows() override {
    std::vector<Row> all{required(row("store", store_, "the feature store")), row("ranks", ranks_, "numbers of ranks to predict for"),
                         row("seeds", seeds_, {1, 1e6}, "seeds", "repetitions of the whole validation"), row("trials", trials_, {1, 1e6}, "trials", "points of a sweep"),
                         row("time_limit_hours", limit_, {0, 1e6}, "hours", "of one job; 0: none"), row("measured_steps", measured_, {1, 1000}, "steps", "that are taken here to measure")};
    for (Row& one : engine::rows(experiment_)) all.push_back(std::move(one));
    return all;
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    std::optional<store::Store> store;
    std::vector<int> ranks;
    std::vector<validation::Fold> folds;
    mpi::together(context.world, [&] {
      for (const std::string& text : ranks_) {
        const auto n = parse_integer(text);
        if (!n || *n < 1 || *n > 100000) throw usage_error("'ranks' holds '" + text + "'", {}, "give whole numbers from 1, such as --ranks 1,2,4");
        ranks.push_back(static_cast<int>(*n));
      }
      store.emplace(store::Store::open(store_));
      const std::vector<std::string> endpoints = engine::select(experiment_, *store).endpoints;
      folds = validation::plan_folds(*store, validation::patients_of(*store, endpoints), {endpoints, experiment_.validation, static_cast<std::uint64_t>(experiment_.seed)});
    });
    // The largest fold stands for all: its trainings are the longest.
    const auto& largest = *std::max_element(folds.begin(), folds.end(), [](const auto& a, const auto& b) { return a.train.size() < b.train.size(); });
    const auto group = collective::make_collective(context.world);
    const Study study(experiment_, *store, largest.train);
    int workers = 1;
    const Measured measured = measure(*store, largest.train, study, *group, workers);
    if (!context.world.root()) return ExitCode::done;
    const double trainings = static_cast<double>(folds.size()) * static_cast<double>(seeds_) * static_cast<double>(trials_);
    std::vector<Prediction> predictions;
    for (const int n : ranks) predictions.push_back(predict(n, workers, measured, study, trainings));
    show(context, predictions, measured, study, folds.size(), trainings, workers);
    return ExitCode::done;
  }

 private:
  Measured measure(const store::Store& store, const std::vector<std::int64_t>& patients, const Study& study, collective::Collective& group, int& workers) const {
    engine::Rehearsal rehearsal(experiment_, store, patients, group);
    workers = rehearsal.slots_at_once();
    std::vector<double> walls, rests, sums, computes;
    constexpr int kWarm = 2;
    for (long long step = 0; step < kWarm + measured_; ++step) {
      const engine::StepTimes times = rehearsal.step();
      const double wall = slowest_of(times.wall, group), sum = slowest_of(times.reduce, group), rest = slowest_of(times.optimiser, group);
      if (step < kWarm) continue;
      walls.push_back(wall);
      sums.push_back(group.size() > 1 ? sum : 0);
      rests.push_back(rest);
      computes.push_back(std::max(0.0, wall - rest - sums.back()));
    }
    Measured measured{group.size(), middle(computes) / study.busiest(group.size() * workers), middle(rests), middle(sums), 0, 0};
    measured.bytes = static_cast<double>(rehearsal.parameters()) * (experiment_.mode == "native" ? sizeof(float) : sizeof(std::int64_t));
    std::int64_t memory = peak_memory_bytes();
    group.all_reduce_max(std::span(&memory, 1));
    measured.memory = memory;
    return measured;
  }

  static double step_seconds(int ranks, int workers, const Measured& measured, const Study& study) {
    return study.busiest(ranks * workers) * measured.per_cost + measured.rest + sum_seconds(measured, ranks);
  }

  static Prediction predict(int ranks, int workers, const Measured& measured, const Study& study, double trainings) {
    Prediction p;
    p.ranks = ranks;
    p.step = step_seconds(ranks, workers, measured, study);
    p.hours = p.step * static_cast<double>(study.steps()) * trainings / 3600;
    p.efficiency = step_seconds(1, workers, measured, study) / (ranks * p.step);
    p.how = ranks == measured.ranks ? "measured" : ranks < measured.ranks ? "from the measured step" : "extrapolation";
    return p;
  }

  void show(const Context& context, const std::vector<Prediction>& predictions, const Measured& measured, const Study& study, std::size_t folds, double trainings, int workers) const {
    if (context.json) {
      auto list = nlohmann::ordered_json::array();
      for (const Prediction& p : predictions)
        list.push_back({{"ranks", p.ranks}, {"step_seconds", p.step}, {"hours", p.hours}, {"efficiency", p.efficiency}, {"jobs", jobs(p.hours)}, {"basis", p.how}});
      print_json({{"mode", experiment_.mode}, {"folds", folds}, {"seeds", seeds_}, {"trials", trials_}, {"trainings", trainings}, {"steps", study.steps()},
                  {"measured_ranks", measured.ranks}, {"slots_at_once", workers}, {"memory_bytes_per_rank", measured.memory}, {"predictions", list}}, 2);
      return;
    }
    fmt::print("{} trainings ({} folds x {} seeds x {} trials) of {} steps, {} mode; measured on {} rank{} with {} slot{} at once; {:.2f} GB a rank\n", trainings, folds, seeds_, trials_, study.steps(),
               experiment_.mode, measured.ranks, measured.ranks == 1 ? "" : "s", workers, workers == 1 ? "" : "s", static_cast<double>(measured.memory) * 1e-9);
    fmt::print("{:>6} {:>11} {:>10} {:>11} {:>6}\n", "ranks", "step, ms", "hours", "efficiency", "jobs");
    for (const Prediction& p : predictions) fmt::print("{:>6} {:>11.1f} {:>10.2f} {:>10.0f}% {:>6}  {}\n", p.ranks, 1e3 * p.step, p.hours, 100 * p.efficiency, jobs(p.hours), p.how);
  }

  // One after the other within the time limit: a training goes on where the one before was stopped.
  [[nodiscard]] std::int64_t jobs(double hours) const { return limit_ > 0 ? std::max<std::int64_t>(1, std::llround(std::ceil(hours / limit_))) : 1; }

  std::string store_;
  std::vector<std::string> ranks_{"1", "2", "4", "8", "16", "32", "64"};
  long long seeds_ = 1, trials_ = 1, measured_ = 5;
  double limit_ = 0;
  engine::Experiment experiment_;
};

}  // namespace

std::unique_ptr<Command> make_plan_command() { return std::make_unique<Plan>(); }

}  // namespace hepar::program
