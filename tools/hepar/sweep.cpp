// SPDX-License-Identifier: Apache-2.0
// `hepar sweep`: which settings are best, found on training centres alone.
#include "data/base/files.hpp"
#include "data/base/run_folder.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"
#include "trainer/report/page.hpp"
#include "trainer/sweep/sweep.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

namespace hepar::program {

namespace {

class Sweep : public Command {
 public:
  std::string_view name() const override { return "sweep"; }
  std::string_view summary() const override { return "search for settings by trials on training centres; any number of workers share a folder"; }
  std::string_view example() const override { return "hepar sweep --config sweep.yaml --store store --out sweep --hold-out C03"; }
  std::string_view schema() const override { return "hepar-sweep/1"; }
  std::string_view also_reads() const override { return "hepar-experiment/1"; }
  std::vector<std::string> explained_elsewhere() const override { return {"model", "train", "validation", "decision", "resources"}; }
  std::vector<std::string> sections() const override { return {"space"}; }
  void take(const Yaml& document) override {
    if (const auto section = document.find("space")) request_.space = sweep::Space::read(*section);
  }
  bool parallel() const override { return true; }
  std::vector<Row> rows() override {
    std::vector<Row> all{required(row("store", store_, "the feature store")), required(row("out", out_, "folder of the sweep; an existing one is continued, or joined")),
                         row("worker", request_.worker, "name of this worker's folder; default: host and process"), row("fresh", request_.fresh, "move an existing sweep to OUT.old-N and start over"),
                         row("accept_other_machine", request_.accept_other_machine, "continue trials although processor, BLAS or instruction set differ")};
    for (Row& one : sweep::rows(request_.search)) all.push_back(one.name == "hold_out" ? required(std::move(one)) : std::move(one));
    for (Row& one : engine::rows(request_.experiment)) all.push_back(std::move(one));
    return all;
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    if (!request_.space) throw usage_error("'sweep' needs a --config with the section space", {}, "example: configs/experiment/sweep.yaml");
    request_.store = store_;
    request_.out = out_;
    request_.command_line = context.command_line;
    mpi::together(context.world, [&] { refuse_inside_store(out_); });
    const sweep::SweepResult result = sweep::sweep(request_, context.world, context.console);
    if (result.stopped) return ExitCode::stopped;
    if (!context.world.root()) return ExitCode::done;
    const fs::path page = SweepFolder{out_}.page();
    if (!result.already_finished || !fs::exists(page)) publish(page, report::page({out_, std::nullopt}));
    fmt::print("{}", context.json ? result.json + "\n" : fmt::format("{}{}/best.yaml  {}\n", result.text, out_, page.string()));
    return ExitCode::done;
  }

 private:
  std::string store_, out_;
  sweep::SweepRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_sweep_command() { return std::make_unique<Sweep>(); }

}  // namespace hepar::program
