// SPDX-License-Identifier: Apache-2.0
// `hepar synth`: a synthetic multicentre cohort in the import formats, its truth beside it.
#include "data/base/files.hpp"
#include "data/synthetic/folder.hpp"
#include "data/synthetic/synthetic.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/command_line.hpp"
#include "tools/hepar/print_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>

namespace hepar::program {

namespace {

class Synth : public Command {
 public:
  std::string_view name() const override { return "synth"; }
  std::string_view summary() const override { return "make a synthetic multicentre cohort, with its truth in OUT.truth/"; }
  std::string_view example() const override { return "mpirun -n 2 hepar synth --out cohort --patients 1200 --centres 12 --seed 1"; }
  bool parallel() const override { return true; }
  std::vector<Row> rows() override {
    return {required(row("out", out_, "folder of the cohort: absent, empty, or begun by the same arguments")), row("patients", patients_, {1, 1e7}, "patients", "how many"),
            row("centres", centres_, {1, 200}, "centres", "how many; they differ in case mix, scanner, stain, habit and follow-up"), row("seed", seed_, {0, 9e15}, "", "of everything"),
            row("level", level_, {"features", "tables", "raw"}, "tile features, NIfTI and reports beside the tables; tables alone; or DICOM, slides and letters"),
            row("raw", raw_, {0, 1e7}, "patients", "so many get raw files; the others then have no slide (all with --level raw)"),
            row("effect", effect_, {"clinical", "latent", "none"}, "who gains from treatment: those with MVI, by a slide latent, all alike"),
            row("shuffle_outcomes", shuffle_, "give every patient another one's course: nothing is left to learn")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    synthetic::Options options{out_, patients_, centres_, static_cast<std::uint64_t>(seed_), level_ != "tables", effect_, shuffle_, level_ == "raw" ? patients_ : raw_};
    mpi::together(context.world, [&] {
      if (centres_ > patients_) throw usage_error("more centres than patients", {}, "lower --centres");
      if (options.raw > patients_) throw usage_error("more raw patients than patients", {}, "lower --raw");
      if (options.raw > 0 && !options.features) throw usage_error("--level tables writes no files, raw or other", {}, "drop --raw");
      if (!context.world.root()) return;
      synthetic::begin_cohort(options.out, arguments());
      for (const char* sub : {"imaging", "slides", "reports"})
        if (options.features) make_folder(options.out / sub);
    });
    const std::vector<synthetic::Centre> centres = synthetic::draw_centres(options);
    std::vector<synthetic::Person> people;
    for (std::int64_t i = 0; i < patients_; ++i) people.push_back(synthetic::draw_person(options, centres, i));
    synthetic::choose_raw(options, people);
    if (options.features) {
      std::optional<Progress> progress;
      if (context.world.root()) progress.emplace(context.console, "synth", patients_, "patients");
      const std::int64_t kChunk = options.raw > 0 ? 2 : 16;
      mpi::work_queue(
          context.world, (patients_ + kChunk - 1) / kChunk,
          [&](std::int64_t chunk) {
            for (std::int64_t i = chunk * kChunk; i < std::min<std::int64_t>(patients_, (chunk + 1) * kChunk); ++i) synthetic::write_features(options, centres, people[static_cast<std::size_t>(i)]);
          },
          [&](std::int64_t finished) {
            if (progress) progress->advance_to(std::min<std::int64_t>(patients_, finished * kChunk));
          });
    }
    mpi::together(context.world, [&] {
      if (!context.world.root()) return;
      static constexpr std::array<const char*, 3> kNames{"rfs", "recurrence", "os"};
      const auto ceilings = synthetic::write_truth(options, centres, people);
      synthetic::write_tables(options, centres, people);
      synthetic::finish_cohort(options.out);
      if (context.json) {
        nlohmann::ordered_json best;
        for (std::size_t e = 0; e < 3; ++e) best[kNames[e]] = {{"oracle", ceilings[e].oracle}, {"reader", ceilings[e].reader}, {"clinical", ceilings[e].clinical}};
        print_json({{"cohort", out_}, {"patients", patients_}, {"centres", centres_}, {"best_c", best}});
        return;
      }
      fmt::print("{}: {} patients, {} centres. Best possible C at the horizon (oracle / best reader of the features / clinical part):\n", out_, patients_, centres_);
      for (std::size_t e = 0; e < 3; ++e) fmt::print("  {:<11} {:.3f} / {:.3f} / {:.3f}\n", kNames[e], ceilings[e].oracle, ceilings[e].reader, ceilings[e].clinical);
    });
    return ExitCode::done;
  }

 private:
  synthetic::Arguments arguments() {
    synthetic::Arguments given;
    for (const Row& one : rows())
      if (one.name != "out") given.emplace_back(flag_of(one), one.get());
    return given;
  }

  std::string out_, level_ = "features", effect_ = "clinical";
  long long patients_ = 150, centres_ = 3, seed_ = 1, raw_ = 0;
  bool shuffle_ = false;
};

}  // namespace

std::unique_ptr<Command> make_synth_command() { return std::make_unique<Synth>(); }

}  // namespace hepar::program
