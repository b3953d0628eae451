// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/search.hpp"

#include "data/base/files.hpp"
#include "data/base/text.hpp"
#include "trainer/sweep/sobol.hpp"
#include "trainer/sweep/trial_run.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hepar::sweep {

namespace {

bool may_differ_between_starts(const std::string& key) { return key == "search.trials" || key == "search.lease" || key == "search.ranks"; }

}  // namespace

std::vector<Row> rows(SearchConfig& c) {
  return {row("hold_out", c.hold_out, "centres that no trial sees; [] when all of the store may be learned from"),
          row("search.method", c.method, {"random", "grid"}, "a scrambled Sobol sequence, or every combination"),
          row("search.trials", c.trials, {1, 100000}, "trials", "of random; may grow later"),
          row("search.halving", c.halving, {"asynchronous", "synchronous", "none"}, "pruning: who goes on is decided at once, when a whole rung is known, or never"),
          row("search.rungs", c.rungs, {1, 20}, "rungs", "of halving; the last is the whole training"),
          row("search.reduction", c.reduction, {1.5, 100}, "", "one trial of so many goes on to the next rung, which is so many times as long"),
          row("search.objective", c.objective, objective_names(), "mean over endpoints, on the inner patients"),
          row("search.inner_share", c.inner_share, {0.02, 0.8}, "share", "of the training part that scores and is not trained on"),
          row("search.inner_by", c.inner_by, {"patient", "centre"}, "what the inner part keeps together"),
          row("search.ranks", c.ranks, {1, 100000}, "ranks", "of a trial; a program of more works on several trials at once"),
          row("search.lease", c.lease, {10, 1e6}, "seconds", "a worker on another node that gives no sign for so long is taken for dead")};
}

std::vector<Settings> trials_of(const SearchConfig& search, const Space& space, std::uint64_t seed) {
  if (search.method == "grid") return space.grid();
  std::vector<Settings> trials;
  for (const std::vector<double>& point : scrambled_points(static_cast<std::size_t>(search.trials), space.parameters().size(), seed)) trials.push_back(space.at(point));
  return trials;
}

Halving halving_of(const SearchConfig& search) {
  if (search.halving == "none") return {};
  return {static_cast<int>(search.rungs), search.reduction, search.halving == "synchronous"};
}

std::string search_yaml(const SearchConfig& search, const Space& space) {
  SearchConfig copy = search;
  return "schema: hepar-sweep/1\n" + resolved_yaml(rows(copy)) + space.yaml();
}

std::string first_difference(const fs::path& before_file, const SearchConfig& now, const Space& space) {
  SearchConfig before, copy = now;
  std::vector<Row> before_rows = rows(before);
  apply(Yaml::read(before_file), before_rows, {"schema", "space"});
  const std::vector<Row> now_rows = rows(copy);
  for (std::size_t i = 0; i < now_rows.size(); ++i)
    if (!may_differ_between_starts(now_rows[i].name) && now_rows[i].get() != before_rows[i].get()) return now_rows[i].name + " was " + before_rows[i].get() + " and is " + now_rows[i].get();
  if (now.method == "random" && now.trials < before.trials) return "search.trials was " + std::to_string(before.trials) + " and is " + std::to_string(now.trials) + ", and none can be taken away";
  const std::string text = read_file(before_file);
  const std::vector<std::string> was = split(text.substr(text.find("space:\n")), '\n'), is = split(space.yaml(), '\n');
  for (std::size_t i = 0; i < std::max(was.size(), is.size()); ++i)
    if (i >= was.size() || i >= is.size() || was[i] != is[i])
      return "the space had '" + std::string(i < was.size() ? trim(was[i]) : "") + "' and has '" + std::string(i < is.size() ? trim(is[i]) : "") + "'";
  return {};
}

std::string repeats(const SearchConfig& search) {
  if (search.halving != "asynchronous" || search.rungs < 2) return "the same trials, rungs and bits with any number of workers";
  return "one worker repeats all of it; with several, the order in which trials finish decides who is promoted, and a rung that a trial comes to has the same bits";
}

nlohmann::ordered_json json_of(const Space& space) {
  nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
  for (const Parameter& parameter : space.parameters()) {
    const bool log = parameter.kind == Kind::log_real || parameter.kind == Kind::log_integer;
    parameters.push_back({{"key", parameter.key}, {"scale", parameter.kind == Kind::choice ? "choice" : log ? "log" : "linear"}, {"low", parameter.low}, {"high", parameter.high}, {"choices", parameter.choices}});
  }
  return parameters;
}

}  // namespace hepar::sweep
