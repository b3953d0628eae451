// SPDX-License-Identifier: Apache-2.0
// `hepar report`: one self-contained HTML page from a validation or a run.
#include "data/base/files.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/inspect_run.hpp"
#include "tools/hepar/output_file.hpp"
#include "tools/hepar/print_json.hpp"
#include "trainer/report/page.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace hepar::program {

namespace {

class Report : public Command {
 public:
  std::string_view name() const override { return "report"; }
  std::string_view summary() const override { return "one self-contained HTML page from a validation or a run"; }
  std::string_view example() const override { return "hepar report validation --store store --out report.html"; }
  std::string_view positional() const override { return "RUN"; }
  std::vector<Row> rows() override { return {row("store", store_, "the store, for the cohort's flow"), required(row("out", out_, "the page"))}; }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    mpi::together(context.world, [&] {
      if (!context.world.root()) return;
      if (words.size() != 1) throw usage_error("'report' takes one RUN", {}, "example: " + std::string(example()));
      std::optional<fs::path> store;
      if (!store_.empty()) store = store_;
      check_output(out_, {"page of hepar report", [](std::string_view beginning) { return beginning.starts_with(report::kFirstBytes); }});
      const std::string page = report::page({words.front(), store});
      // What is shown is what was written: no changed prediction or weight becomes a page.
      if (const std::vector<std::string> problems = verify_run(words.front()).problems; !problems.empty())
        throw store_error(problems.front() + (problems.size() > 1 ? " and " + std::to_string(problems.size() - 1) + " more" : ""), {words.front()}, "restore it, or make it again; hepar inspect RUN --verify lists all");
      publish(out_, page);
      if (context.json) {
        print_json({{"page", out_}});
      } else {
        fmt::print("{}\n", out_);
      }
    });
    return ExitCode::done;
  }

 private:
  std::string store_, out_;
};

}  // namespace

std::unique_ptr<Command> make_report_command() { return std::make_unique<Report>(); }

}  // namespace hepar::program
