// SPDX-License-Identifier: Apache-2.0
#include "trainer/sweep/leaderboard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::sweep {

namespace {

using Json = nlohmann::ordered_json;

std::string state_of(const TrialFacts& trial, const Halving& halving) {
  if (trial.failed) return "failed";
  if (trial.rung() == halving.rungs) return "finished";
  if (trial.begun) return "begun";
  return trial.rung() == 0 ? "waiting" : "pruned";
}

double last_score(const TrialFacts& trial) { return trial.scores.empty() || !std::isfinite(trial.scores.back()) ? -INFINITY : trial.scores.back(); }

std::string settings_text(const Json& settings) {
  std::string text;
  for (const auto& [key, value] : settings.items()) text += fmt::format("{}{}={}", text.empty() ? "" : "  ", key, value.get<std::string>());
  return text;
}

}  // namespace

Leaderboard leaderboard(const Ledger& ledger, const std::vector<Settings>& trials, const std::vector<TrialFacts>& facts, const Halving& halving) {
  std::vector<std::size_t> order(trials.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return facts[a].rung() != facts[b].rung() ? facts[a].rung() > facts[b].rung() : last_score(facts[a]) > last_score(facts[b]);
  });
  Leaderboard board;
  for (const std::size_t i : order) {
    const auto number = static_cast<std::int64_t>(i);
    Json settings = Json::object(), rungs = Json::array();
    for (const auto& [key, value] : trials[i]) settings[key] = value;
    for (int rung = 0; rung < facts[i].rung(); ++rung) {
      const Json record = ledger.record(number, rung);
      rungs.push_back({{"rung", rung}, {"step", record.at("step")}, {"share", record.at("share")}, {"value", record.at("value")}, {"estimates", record.at("estimates")},
                       {"parameters_sha256", record.at("parameters_sha256")}, {"audit_passed", record.at("audit").at("passed")}});
    }
    const Json last = rungs.empty() ? Json::object() : rungs.back();
    board.trials.push_back({{"trial", number}, {"state", state_of(facts[i], halving)}, {"settings", settings}, {"value", last.value("value", Json())}, {"steps", last.value("step", 0)},
                            {"parameters_sha256", last.value("parameters_sha256", "")}, {"rungs", rungs}, {"message", ledger.failure(number).value_or("")}});
    if (board.best < 0 && std::isfinite(last_score(facts[i]))) board.best = number;
  }
  return board;
}

std::string leaderboard_text(const Json& trials, const std::string& objective) {
  constexpr std::size_t kShown = 20;
  std::string text = fmt::format("{:>5}  {:<9} {:>7}  {:>10}  settings\n", "trial", "state", "steps", objective);
  for (std::size_t i = 0; i < std::min(kShown, trials.size()); ++i) {
    const Json& trial = trials[i];
    const std::string value = trial.at("value").is_number() ? fmt::format("{:.4f}", trial.at("value").get<double>()) : "-";
    text += fmt::format("{:>5}  {:<9} {:>7}  {:>10}  {}\n", trial.at("trial").get<std::int64_t>(), trial.at("state").get<std::string>(), trial.at("steps").get<std::int64_t>(), value, settings_text(trial.at("settings")));
  }
  if (trials.size() > kShown) text += fmt::format("… and {} more\n", trials.size() - kShown);
  return text;
}

}  // namespace hepar::sweep
