// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/seal.hpp"

#include "data/base/prediction_files.hpp"
#include "data/base/run_folder.hpp"
#include "data/base/sealed.hpp"
#include "data/base/text.hpp"
#include "trainer/engine/model_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>

namespace hepar::evaluation {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kNamed = 3;  // patients that an error names

std::string now_utc() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()))); }

// Those of whom the store already knew an outcome, or that there was none beyond the window.
Json known_outcomes(const store::Store& store, const std::vector<std::int64_t>& patients) {
  std::int64_t n = 0;
  Json first = Json::array();
  for (const std::int64_t p : patients) {
    const store::PatientRow& row = store.row(p);
    bool direct = false;
    for (const Outcome& outcome : row.outcomes) direct = direct || outcome.known;
    const bool event = row.history.recurrence || row.history.death,
               followed = row.history.known && row.history.last_contact * kDaysPerMonth > store.strategies().window_high_day;
    if (!event && !followed && (row.history.known || !direct)) continue;
    ++n;
    if (first.size() < kNamed) first.push_back(row.id);
  }
  return {{"patients", n}, {"first", first}};
}

}  // namespace

fs::path decisions_path(const fs::path& predictions) { return PredictionFiles{predictions}.decisions(); }
fs::path seal_path(const fs::path& predictions) { return PredictionFiles{predictions}.seal(); }

void refuse_sealed(const fs::path& predictions) {
  std::error_code ignored;
  if (fs::exists(seal_path(predictions), ignored))
    throw usage_error("these predictions are sealed and are never written over", {seal_path(predictions).string()}, "choose another --out");
}

std::string freeze(const SealRequest& request) {
  const RunFolder run{request.run};
  const engine::ModelFile model = engine::read_model_file(run.model_json());
  const fs::path decisions = decisions_path(request.predictions);
  std::error_code ignored;
  Json seal{{"schema", kSealSchema},
            {"sealed_at", now_utc()},
            {"patients", request.patients.size()},
            {"left_out_trained_on", request.trained_on},
            {"predictions", {{"file", request.predictions.filename().string()}, {"sha256", sha256_file(request.predictions)}}},
            {"decisions", fs::exists(decisions, ignored) ? Json{{"file", decisions.filename().string()}, {"sha256", sha256_file(decisions)}} : Json(nullptr)},
            {"decision", request.decision.empty() ? Json(nullptr) : Json::parse(request.decision)},
            {"model",
             {{"parameters_sha256", model.parameters_sha256},
              {"model_json_sha256", sha256_file(run.model_json())},
              {"trained_on_tables_sha256", model.tables_sha256},
              {"patients", model.patients}}},
            {"store", {{"features_sha256", request.store.features_sha256()}, {"tables_sha256", request.store.tables_sha256()}}},
            {"outcomes_known", known_outcomes(request.store, request.patients)},
            {"program", {{"version", request.version}, {"sha256", sha256_file("/proc/self/exe")}}}};
  const std::string text = sealed(std::move(seal));
  publish(seal_path(request.predictions), text);
  return sha256(text);
}

Seal read_seal(const fs::path& predictions) {
  const fs::path path = seal_path(predictions);
  std::error_code ignored;
  if (!fs::exists(predictions, ignored)) throw input_error("does not exist", {predictions.string()}, "give the CSV of hepar predict --freeze");
  if (!fs::exists(path, ignored))
    throw store_error("these predictions are not sealed: there is no " + path.filename().string(), {predictions.string()},
                      "seal predictions when they are made: hepar predict --freeze");
  Seal seal{read_sealed(path, kSealSchema, "restore the seal that was written; a broken one proves nothing"), {}, 0};
  try {
    const auto check = [&](const Json& file, const fs::path& where) {
      if (!fs::exists(where, ignored) || sha256_file(where) != file.at("sha256").get<std::string>())
        throw store_error("the seal is broken: this file is not what was sealed", {where.string()},
                          "restore the file of " + seal.document.at("sealed_at").get<std::string>());
    };
    check(seal.document.at("predictions"), predictions);
    if (!seal.document.at("decisions").is_null()) check(seal.document.at("decisions"), decisions_path(predictions));
    seal.sealed_at = seal.document.at("sealed_at");
    const std::optional<long> day = parse_date(seal.sealed_at.substr(0, 10), "iso");
    if (!day || seal.sealed_at.size() != 20)
      throw store_error("its time '" + seal.sealed_at + "' cannot be read", {path.string()}, "restore the seal that was written");
    const auto clock = [&](std::size_t at) { return parse_number(seal.sealed_at.substr(at, 2)).value_or(0); };
    seal.sealed_day = static_cast<double>(*day) + (clock(11) * 60 + clock(14)) / 1440;
  } catch (const nlohmann::json::exception& problem) {
    throw store_error(std::string("cannot be read: ") + problem.what(), {path.string()}, "restore the seal that was written");
  }
  return seal;
}

std::int64_t outcomes_known(const Seal& seal) { return seal.document.at("outcomes_known").at("patients").get<std::int64_t>(); }

std::string date_text(double days) {
  const std::chrono::sys_days date{std::chrono::days(static_cast<long>(std::floor(days)))};
  const std::chrono::year_month_day ymd{date};
  return fmt::format("{:04d}-{:02d}-{:02d}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
}

std::vector<Late> known_before(const Seal& seal, const Cohort& cohort, const std::vector<std::size_t>& patients) {
  std::vector<Late> late;
  for (const std::size_t p : patients) {
    const PatientRecord& patient = cohort.patients[p];
    if (!patient.surgery_date || !patient.has_follow_up) continue;
    const FollowUp& seen = patient.follow_up;
    for (const auto& [what, day] :
         {std::pair{"recurrence", seen.recurrence_day}, std::pair{"death", seen.death_day}, std::pair{"last contact", seen.last_contact_day}}) {
      if (!day) continue;
      const double date = static_cast<double>(*patient.surgery_date) + *day;
      if (date >= seal.sealed_day) continue;
      late.push_back({patient.id, what, date_text(date)});
      break;
    }
  }
  return late;
}

void refuse_late(const Seal& seal, const Cohort& cohort, const std::vector<std::size_t>& patients, const fs::path& predictions) {
  const char* remedy = "a prospective evaluation needs predictions that were sealed before follow-up; hepar validate is for what is past";
  const std::int64_t known = outcomes_known(seal);
  if (known > 0)
    throw input_error(
        fmt::format("the predictions of {} were made after follow-up was known: the store that they were made from had outcomes of {} patients ({}, …)",
                    seal.sealed_at, known, seal.document.at("outcomes_known").at("first").at(0).get<std::string>()),
        {predictions.string()}, remedy);
  const std::vector<Late> late = known_before(seal, cohort, patients);
  if (late.empty()) return;
  std::string named;
  for (std::size_t i = 0; i < std::min(kNamed, late.size()); ++i)
    named += fmt::format("{}{}: {} on {}", i > 0 ? "; " : "", late[i].patient, late[i].what, late[i].date);
  throw input_error(fmt::format("the predictions were sealed on {}, after follow-up of {} patients was known ({}{})", seal.sealed_at, late.size(), named,
                                late.size() > kNamed ? "; …" : ""),
                    {predictions.string()}, remedy);
}

}  // namespace hepar::evaluation
