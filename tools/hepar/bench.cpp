// SPDX-License-Identifier: Apache-2.0
// `hepar bench NAME`: what this machine and this build do, measured.
#include "data/base/machine.hpp"
#include "data/base/text.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "tools/hepar/print_json.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace hepar::program {

namespace {

constexpr std::array<Benchmark, 6> kBenchmarks{{{"store", "reading patients beside raw pread of the same bytes", bench_store},
                                                {"step", "training steps, reproducible beside native, and their phases", bench_step},
                                                {"reduce", "sums over ranks beside plain MPI and memcpy; fixed point beside floats", bench_reduce},
                                                {"optimizer", "AdamW over the flat arena beside torch::optim::AdamW", bench_optimizer},
                                                {"statistics", "concordance of a million patients, bootstrap of every metric", bench_statistics},
                                                {"ingest", "tiles, slices and radiomics regions of raw files", bench_ingest}}};

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : -1;
}

class Bench : public Command {
 public:
  std::string_view name() const override { return "bench"; }
  std::string_view summary() const override { return "measure this machine: store, step, reduce, optimizer, statistics, ingest"; }
  std::string_view example() const override { return "mpirun -n 2 hepar bench step --rounds 9 --json"; }
  std::string_view positional() const override { return "NAME"; }
  std::string_view schema() const override { return "hepar-experiment/1"; }
  std::vector<Row> rows() override {
    std::vector<Row> all{row("store", store_, "a feature store for 'store' and 'step'; without it random ones are made in the temporary folder"),
                         row("cohort", cohort_, "cohort.yaml with raw files, for 'ingest'"),
                         row("tiles", tiles_, "tiles a bag of the stores that are made, one store each"),
                         row("rounds", rounds_, {1, 1000}, "rounds", "what is compared takes turns in each"),
                         row("steps", steps_, {1, 1000}, "steps", "step: of each kind in a round"),
                         row("twin", twin_, "step: folder for what another program needs to take the same steps (tests/bench/ddp.py)"),
                         row("paced", paced_, "step: each round waits for a line of input"),
                         row("small", small_, "tiny sizes: shows that everything runs, the figures mean nothing")};
    for (Row& one : engine::rows(experiment_)) all.push_back(std::move(one));
    return all;
  }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    const Benchmark& chosen = choose(words);
    std::vector<long long> tiles;
    for (const std::string& text : tiles_) {
      const auto n = parse_integer(text);
      if (!n || *n < 1 || *n > 1000000) throw usage_error("'tiles' holds '" + text + "'", {}, "give whole numbers from 1, such as --tiles 500,4000");
      tiles.push_back(small_ ? std::max<long long>(1, *n / 100) : *n);
    }
    const double before = load_average();
    Figures figures = chosen.run({context, experiment_, store_, cohort_, tiles, static_cast<int>(small_ ? 2 : rounds_), twin_, paced_, static_cast<int>(steps_), small_});
    if (!context.world.root()) return ExitCode::done;
    const Machine machine = this_machine();
    figures.note(fmt::format("load average {:.1f} before and {:.1f} after on {} cores: only ratios within a run carry to another", before, load_average(),
                             machine.cores));
    if (context.json) {
      nlohmann::ordered_json out{{"bench", chosen.name},     {"ranks", context.world.size()},  {"cpu", machine.cpu},
                                 {"cores", machine.cores}, {"blas", name_of(machine.blas)}, {"small", small_}};
      out.update(figures.json());
      print_json(out, 2);
    } else {
      const int ranks = context.world.size();
      fmt::print("bench {}: {} rank{}, {}, {}\n{}", chosen.name, ranks, ranks == 1 ? "" : "s", machine.cpu, name_of(machine.blas), figures.table());
    }
    return ExitCode::done;
  }

 private:
  static const Benchmark& choose(const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const Benchmark& benchmark : kBenchmarks) names.emplace_back(benchmark.name);
    if (words.size() != 1) throw usage_error("'bench' takes one name", {}, "known: " + join(names, ", "));
    for (const Benchmark& benchmark : kBenchmarks)
      if (benchmark.name == words.front()) return benchmark;
    throw usage_error("unknown benchmark '" + words.front() + "'", {}, name_advice(words.front(), names));
  }

  std::string store_, cohort_;
  std::vector<std::string> tiles_{"500", "4000"};
  long long rounds_ = 5, steps_ = 1;
  std::string twin_;
  bool paced_ = false, small_ = false;
  engine::Experiment experiment_;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() { return std::make_unique<Bench>(); }

}  // namespace hepar::program
