// SPDX-License-Identifier: Apache-2.0
// The sections about who entered, what ran, and what it cost.
#include "data/cohort/flow_page.hpp"
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace hepar::report {

namespace {

std::string megabytes(double bytes) { return fmt::format("{:.1f} MB", bytes / 1e6); }

}  // namespace

std::string flow_section(const Source& source) {
  const bool known = source.flow.is_object();
  return section("flow", "Who entered", known ? flow_html(source.flow) : "<p>No store was given, so the cohort's flow is not shown; give --store.</p>");
}

std::string training_section(const Source& source) {
  double steps = 1, low = 1e9, high = -1e9;
  std::vector<std::pair<std::string, Points>> smooth;
  for (const TrainingCurve& curve : source.training) {
    Points points = smoothed(curve.loss);
    if (points.empty()) continue;
    for (const auto& [step, mean] : points) {
      low = std::min(low, mean);
      high = std::max(high, mean);
    }
    steps = std::max(steps, points.back().first);
    smooth.emplace_back(curve.name, std::move(points));
  }
  if (smooth.empty()) return section("training", "Training", "<p>No training steps are recorded here.</p>");
  Chart chart("Training loss", {0, steps, "training step"}, {std::floor(low * 10) / 10, std::ceil(high * 10) / 10 + 0.1, "loss (smoothed)"}, 640, 320);
  for (std::size_t i = 0; i < smooth.size(); ++i) chart.line(smooth[i].second, "line thin c" + std::to_string(i % 4));
  return section("training", "Training",
                 "<figure>" + chart.svg() +
                     fmt::format("<figcaption>Loss: how badly the model explains what happened to its training patients (negative log-likelihood a patient, smoothed over ten steps); {} training{}.</figcaption></figure>", smooth.size(),
                                 smooth.size() == 1 ? "" : "s, one a fold"));
}

std::string cost_section(const Source& source) {
  constexpr std::size_t kLoad = 0, kReduce = 4;  // those of the phases that move bytes
  static constexpr std::array<std::pair<const char*, const char*>, 6> kPhases{{{"load_seconds", "load"},
                                                                               {"forward_seconds", "forward"},
                                                                               {"backward_seconds", "backward"},
                                                                               {"quantise_seconds", "fixed point"},
                                                                               {"reduce_seconds", "all-reduce"},
                                                                               {"optimiser_seconds", "optimiser"}}};
  std::array<double, 6> seconds{}, bytes{};
  double peak = 0, slots = 0, stall = 0, written = 0, total_seconds = 0;
  for (const Json& run : source.fold_runs) {
    const Json took = run.value("seconds", Json::object());
    stall += took.value("checkpoint_stall", 0.0);
    total_seconds += took.value("all_sessions", 0.0);
    written += run.value("checkpoint_bytes", 0.0);
    for (const Json& rank : run.value("by_rank", Json::array())) {
      for (std::size_t i = 0; i < kPhases.size(); ++i) seconds[i] += rank.value(kPhases[i].first, 0.0);
      bytes[kLoad] += rank.value("store_bytes", 0.0);
      bytes[kReduce] += rank.value("reduce_bytes", 0.0);
      peak = std::max(peak, rank.value("peak_memory_bytes", 0.0));
      slots += rank.value("slots", 0.0);
    }
  }
  double sum = 0;
  for (const double one : seconds) sum += one;
  if (!(sum > 0)) return section("cost", "Time and memory", "<p>No times are recorded here.</p>");
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < kPhases.size(); ++i)
    rows.push_back({kPhases[i].second, number(seconds[i], 1),
                    fmt::format("<span class=\"bar\" style=\"width:{:.1f}%\"></span>{:.1f} %", 60 * seconds[i] / sum, 100 * seconds[i] / sum), bytes[i] > 0 ? megabytes(bytes[i]) : ""});
  rows.push_back({"checkpoint (waited for)", number(stall, 1), "", megabytes(written)});
  std::string wall = source.validation.is_object() && source.validation.contains("parts")
                         ? fmt::format(" Wall time of the last command: {} s.", number(value_of(source.validation.at("parts"), "wall_seconds"), 1))
                         : "";
  return section(
      "cost", "Time and memory",
      table({"phase", "seconds, all threads", "share", "bytes"}, rows) +
          fmt::format("<p>{:.0f} slots computed, {} peak memory of a rank; trainings took {} s in all, earlier sessions included.{}</p>", slots, megabytes(peak), number(total_seconds, 1), wall));
}

std::string audit_section(const Source& source) {
  if (!source.validation.is_object() || !source.validation.contains("audit")) return {};
  const Json& audit = source.validation.at("audit");
  const bool passed = audit.value("passed", false);
  std::string list;
  for (const Json& one : passed ? audit.at("checks") : audit.at("problems")) list += "<li>" + escaped(one.get<std::string>()) + "</li>";
  return section("audit", "Leak audit", std::string("<p class=\"") + (passed ? "good\">Passed:" : "bad\">Failed:") + "</p><ul>" + list + "</ul>");
}

std::string provenance_section(const Source& source) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const Json& from, const char* key, const char* label) {
    if (from.is_object() && from.contains(key) && !from.at(key).is_null())
      rows.push_back({label, "<code>" + escaped(from.at(key).is_string() ? from.at(key).get<std::string>() : from.at(key).dump()) + "</code>"});
  };
  if (source.evaluation.is_object()) {
    const Json& seal = source.evaluation.at("seal");
    for (const auto& [part, key, label] : std::initializer_list<std::tuple<const char*, const char*, const char*>>{{"predictions", "sha256", "sealed predictions"},
                                                                                                                  {"decisions", "sha256", "sealed recommendations"},
                                                                                                                  {"model", "parameters_sha256", "parameters"},
                                                                                                                  {"store", "features_sha256", "features"},
                                                                                                                  {"store", "tables_sha256", "tables"},
                                                                                                                  {"program", "version", "program"}})
      add(seal.value(part, Json()), key, label);
  }
  const Json provenance = source.validation.is_object() ? source.validation.value("provenance", Json::object()) : source.run;
  for (const auto& [key, label] : std::initializer_list<std::pair<const char*, const char*>>{{"command", "command"},
                                                                                             {"ranks", "ranks"},
                                                                                             {"features_sha256", "features"},
                                                                                             {"tables_sha256", "tables"},
                                                                                             {"config_sha256", "configuration"},
                                                                                             {"parameters_sha256", "parameters"}})
    add(provenance, key, label);
  if (!source.fold_runs.empty()) {
    const Json& run = source.fold_runs.front();
    add(run, "mode", "mode");
    add(run, "parameters", "model parameters");
    add(run, "inputs", "inputs");
    add(run, "left_out", "left out");
    const Json machine = run.value("machine", Json::object());
    add(machine, "cpu", "processor");
    add(machine, "blas", "BLAS");
    add(machine, "libtorch", "LibTorch");
  }
  if (source.validation.is_object())
    for (const Json& fold : source.validation.at("folds"))
      rows.push_back({"fold " + escaped(fold.at("name").get<std::string>()), "<code>" + escaped(fold.value("parameters_sha256", "")) + "</code>"});
  return section("provenance", "Provenance", table({"", ""}, rows));
}

}  // namespace hepar::report
