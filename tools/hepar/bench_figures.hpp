// SPDX-License-Identifier: Apache-2.0
// What every benchmark of `hepar bench` gets and gives. Benchmarks that are compared take turns within a round, so that a
// machine that is busy with other work slows both alike; ratios are taken round by round.
#pragma once

#include "tools/hepar/command.hpp"
#include "trainer/engine/experiment.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hepar::program {

struct BenchRequest {
  const Context& context;
  const engine::Experiment& experiment;
  std::filesystem::path store;            // empty: one is made
  std::filesystem::path cohort;           // with raw files, for `ingest`
  std::vector<long long> tiles;           // of each bag, when stores are made
  int rounds = 5;
  std::filesystem::path twin;             // `step`: what another program needs to take the same steps is written there
  bool paced = false;                     // `step`: each round waits for a line of input
  int steps = 1;                          // `step`: of each kind, in a round
  bool small = false;                     // shows that it runs; its figures mean nothing
};

// Samples of one quantity, one a round.
struct Figure {
  std::string name, unit;
  std::vector<double> samples;
};

class Figures {
 public:
  void add(const std::string& name, const std::string& unit, double sample);
  // Round by round; both have as many samples.
  void add_ratio(const std::string& name, const std::string& of, const std::string& to);
  void note(std::string text) { notes_.push_back(std::move(text)); }

  [[nodiscard]] std::string table() const;
  [[nodiscard]] nlohmann::ordered_json json() const;

 private:
  [[nodiscard]] const Figure& at(const std::string& name) const;
  std::vector<Figure> figures_;           // in the order of their first sample
  std::vector<std::string> notes_;
};

struct Benchmark {
  std::string_view name, meaning;
  Figures (*run)(const BenchRequest& request);   // called by all ranks, collective; rank 0's result counts
};

[[nodiscard]] Figures bench_store(const BenchRequest& request);
[[nodiscard]] Figures bench_step(const BenchRequest& request);
[[nodiscard]] Figures bench_reduce(const BenchRequest& request);
[[nodiscard]] Figures bench_optimizer(const BenchRequest& request);
[[nodiscard]] Figures bench_statistics(const BenchRequest& request);
[[nodiscard]] Figures bench_ingest(const BenchRequest& request);

[[nodiscard]] double seconds_of(const std::function<void()>& work);

// A store of random patients with every kind of input, written by rank 0 and removed at the end: `tiles` tiles of 384 half
// floats, a volume of 2 x 16 x 32 x 32, a report of 80 tokens, 24 columns, four strategies. Collective.
class MadeStore {
 public:
  MadeStore(const mpi::Communicator& world, std::int64_t patients, std::int64_t tiles);
  MadeStore(const MadeStore&) = delete;
  ~MadeStore();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  const mpi::Communicator& world_;
  std::filesystem::path path_;
};

}  // namespace hepar::program
