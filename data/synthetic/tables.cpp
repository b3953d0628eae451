// SPDX-License-Identifier: Apache-2.0
// The tables and the YAML of the cohort, with the field's own spellings; and the truth beside them.
#include "data/base/files.hpp"
#include "data/base/random.hpp"
#include "data/base/table.hpp"
#include "data/synthetic/folder.hpp"
#include "data/synthetic/person.hpp"
#include "data/synthetic/raw.hpp"
#include "data/synthetic/report_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hepar::synthetic {

namespace {

constexpr const char* kCohortHead = R"(# A synthetic cohort: see the truth beside it, which training never reads.
schema: hepar-cohort/1
patients: patients.csv
treatments: treatments.csv
follow_up: follow_up.csv
)";

constexpr const char* kFeatureTables = R"(imaging: imaging.csv
slides: slides.csv
reports: reports.csv
)";

constexpr const char* kColumns = R"(columns:
  age:             {type: number, unit: years, range: [0, 120], known: pre_op}
  sex:             {type: category, values: [female, male], known: pre_op}
  hbsag:           {type: flag, known: pre_op, missing: ["", NA, "未查"%SPELLINGS%]}
  cirrhosis:       {type: flag, known: pre_op}
  afp:             {type: number, unit: ng/mL, range: [0, 1000000000], known: pre_op, transform: log1p, limits: keep, missing: ["", NA, "未查"%SPELLINGS%], units_by_centre: {%UNITS%}}
  pivka:           {type: number, unit: mAU/mL, range: [0, 1000000000], known: pre_op, transform: log1p, limits: keep, missing: ["", NA, "未查"%SPELLINGS%]}
  albumin:         {type: number, unit: g/L, range: [10, 70], known: pre_op}
  bilirubin:       {type: number, unit: umol/L, range: [0, 600], known: pre_op, transform: log1p}
  size:            {type: number, unit: cm, range: [0, 40], known: pre_op}
  number:          {type: category, values: [single, multiple], known: pre_op}
  prior_therapy:   {type: flag, known: pre_op}
  metastasis:      {type: flag, known: pre_op}
  histology:       {type: category, values: [HCC, ICC], known: post_op}
  margin:          {type: category, values: [R0, R1], known: post_op}
  mvi:             {type: category, values: [M0, M1, M2], known: post_op%MVI%}
  differentiation: {type: category, values: [well, moderate, poor], known: post_op}
  satellite:       {type: flag, known: post_op}
modalities:
  clinical: {kind: vector, columns: [age, sex, hbsag, cirrhosis, afp, pivka, albumin, bilirubin, size, number, mvi, differentiation, satellite]}
)";

constexpr const char* kFeatureModalities = R"(  ct:     {kind: volume, source: imaging, timing: pre_op, phases: [arterial, portal], grid: [32, 32, 16], spacing_mm: [5, 5, 5]}
  slide:  {kind: bag, source: slides}
  report: {kind: sequence, source: reports}
)";

constexpr const char* kRules = R"(eligibility:
  - {id: age, text: "18-75 years", require: "age >= 18 and age <= 75", on_unknown: exclude, stage: enrolment}
  - {id: hcc, text: "hepatocellular carcinoma", require: "histology == 'HCC'", on_unknown: query, stage: enrolment}
  - {id: prior, text: "no prior therapy", require: "not prior_therapy", on_unknown: include, stage: enrolment}
  - {id: metastasis, text: "no distant metastasis", require: "not metastasis", on_unknown: include, stage: enrolment}
  - {id: margin, text: "R0 resection", require: "margin == 'R0'", on_unknown: include, stage: enrolment}
  - {id: follow_up, text: "followed up", require: "follow_up.complete", on_unknown: exclude, stage: analysis}
endpoints:
  rfs:        {events: [recurrence, death], horizon_months: 36, note: "disease-free survival has the same definition and is reported once, here"}
  recurrence: {events: [recurrence], competing: [death], horizon_months: 36}
  os:         {events: [death], horizon_months: 60}
strategies: {window_days: [14, 90], arms: [surgery, tace, tace_systemic, systemic]}
)";

void fill_in(std::string& text, std::string_view mark, const std::string& with) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) text.replace(at, mark.size(), with);
}

std::string days(double months) { return number_text(std::max(1.0, std::round(months * 30.4375))); }
std::string whole(double day) { return day < 0 ? "" : number_text(std::round(day)); }

std::string limited(double value, double limit) { return value > limit ? ">" + number_text(limit) : fmt::format("{:.1f}", value); }

// How a centre writes what was not measured.
constexpr std::array<const char*, 4> kNotMeasured{"未查", "不详", "/", "N/A"};

std::vector<std::string> patient_fields(const Options& options, const Centre& centre, const Person& p) {
  Stream s({options.seed, 301, static_cast<std::uint64_t>(p.number)});
  const char* not_measured = kNotMeasured[options.raw > 0 ? p.centre % kNotMeasured.size() : 0];
  const auto maybe = [&](double missing, const char* spelling, std::string text) { return s.chance(missing) ? std::string(spelling) : text; };
  const double afp = std::exp(p.log_afp);
  std::vector<std::string> fields{p.id, centre.name, fmt::format("{:.1f}", p.age), p.sex != 0 ? "male" : "female", maybe(0.03, not_measured, p.hbsag != 0 ? "阳性" : "阴性"), p.cirrhosis != 0 ? "1" : "0",
                   maybe(0.05, "NA", limited(afp, centre.afp_limit)), maybe(0.15, not_measured, limited(std::exp(p.log_pivka), 75000)), maybe(0.02, "", fmt::format("{:.1f}", p.albumin)),
                   maybe(0.02, "", fmt::format("{:.1f}", p.bilirubin)), fmt::format("{:.1f}", p.size_cm), p.multiple != 0 ? "multiple" : "single", p.prior_therapy ? "1" : "0", p.metastasis ? "1" : "0",
                   p.other_histology ? "ICC" : "HCC", p.r1 ? "R1" : "R0", maybe(0.04, "NA", "M" + std::to_string(p.mvi)),
                   maybe(0.03, "", std::array<const char*, 3>{"well", "moderate", "poor"}[static_cast<std::size_t>(p.differentiation)]), maybe(0.05, "", p.satellite != 0 ? "1" : "0")};
  if (options.raw > 0) fields.push_back(surgery_date(options, p));
  return fields;
}

// The tables that name files.
struct FileRows { std::string imaging, slides, reports; };
FileRows file_rows(const Options& options, const std::vector<Person>& people) {
  const bool raw = options.raw > 0;
  FileRows rows{csv_line({"patient_id", "path", "timing", "phase"}), csv_line({"patient_id", "path", "stain"}), csv_line({"patient_id", "path", "language"})};
  if (raw) rows.imaging = csv_line({"patient_id", "path", "timing", "phase", "study_date", "mask"});
  if (raw) rows.slides = csv_line({"patient_id", "path", "stain", "um_per_pixel"});
  const auto add = [](std::string& table, const std::vector<std::vector<std::string>>& lines) {
    for (const std::vector<std::string>& line : lines) table += csv_line(line);
  };
  const auto volume = [&](const Person& p, const char* phase) {
    std::vector<std::string> fields{p.id, "imaging/" + p.id + "_" + phase + ".nii", "pre_op", phase};
    if (raw) fields.insert(fields.end(), {"", ""});
    return fields;
  };
  for (const Person& p : people) {
    if (p.has_ct) add(rows.imaging, p.raw ? raw_image_rows(options, p) : std::vector{volume(p, "arterial"), volume(p, "portal")});
    if (p.has_slide && p.raw) add(rows.slides, raw_slide_rows(options, p));
    if (p.has_slide && !p.raw) rows.slides += csv_line({p.id, "slides/" + p.id + "_1.h5", "HE"});
    if (p.has_slide && !p.raw && p.number % 7 == 3 && p.tiles > 40) rows.slides += csv_line({p.id, "slides/" + p.id + "_2.h5", "HE"});
    if (p.has_report) rows.reports += csv_line({p.id, "reports/" + p.id + ".txt", in_chinese(options, p) ? "zh" : "en"});
  }
  return rows;
}

// Whose follow-up and treatments each patient gets.
std::vector<std::size_t> outcome_owners(const Options& options, std::size_t n) {
  std::vector<std::size_t> owner(n);
  std::iota(owner.begin(), owner.end(), std::size_t{0});
  if (!options.shuffle_outcomes) return owner;
  const std::vector<std::int64_t> order = keyed_order(static_cast<std::int64_t>(n), {options.seed, 302});
  return {order.begin(), order.end()};
}

// Harrell's C of a risk by counting pairs: the truth file must not depend on the statistics that it is used to check.
double concordance(const std::vector<double>& risk, const std::vector<double>& time, const std::vector<int>& event) {
  double good = 0, all = 0;
  for (std::size_t i = 0; i < risk.size(); ++i) {
    if (event[i] != 1) continue;
    for (std::size_t j = 0; j < risk.size(); ++j) {
      const bool later = time[j] > time[i] || (time[j] == time[i] && event[j] != 1);
      if (i == j || !later) continue;
      all += 1;
      good += risk[i] > risk[j] ? 1 : risk[i] == risk[j] ? 0.5 : 0;
    }
  }
  return all > 0 ? good / all : 0.5;
}

bool eligible(const Person& p) { return p.age >= 18 && p.age <= 75 && !p.other_histology && !p.prior_therapy && !p.metastasis && !p.r1; }

}  // namespace

void write_tables(const Options& options, const std::vector<Centre>& centres, const std::vector<Person>& people) {
  const bool raw = options.raw > 0;
  std::vector<std::string> head{"patient_id", "centre", "age", "sex", "hbsag", "cirrhosis", "afp", "pivka", "albumin", "bilirubin", "size", "number", "prior_therapy", "metastasis", "histology", "margin", "mvi", "differentiation", "satellite"};
  if (raw) head.push_back("surgery_date");
  std::string patients = csv_line(head);
  std::string treatments = csv_line({"patient_id", "kind", "drug", "start_day", "stop_day"}), follow_up = csv_line({"patient_id", "recurrence_day", "recurrence_free_day", "death_day", "last_contact_day"});
  FileRows files = file_rows(options, people);
  const std::vector<std::size_t> owner = outcome_owners(options, people.size());
  for (std::size_t i = 0; i < people.size(); ++i) {
    const Person& p = people[i];
    patients += csv_line(patient_fields(options, centres[p.centre], p));
    const Person& lived = people[owner[i]];
    const Observed seen = observe(lived);
    if (!lived.lost) follow_up += csv_line({p.id, seen.recurrence < 0 ? "" : days(seen.recurrence), seen.recurrence < 0 && seen.death < 0 ? days(lived.recurrence_free_seen) : "", seen.death < 0 ? "" : days(seen.death), days(seen.last_contact)});
    if (seen.tace_start >= 0) treatments += csv_line({p.id, "tace", "", whole(seen.tace_start), whole(seen.tace_stop)});
    if (seen.systemic_start >= 0) treatments += csv_line({p.id, "systemic", lived.number % 3 == 0 ? "sintilimab" : "lenvatinib", whole(seen.systemic_start), whole(seen.systemic_stop)});
  }
  std::string units;
  for (const Centre& centre : centres)
    if (centre.afp_in_ug_l) units += (units.empty() ? "" : ", ") + centre.name + ": ug/L";
  std::string columns = kColumns;
  fill_in(columns, "%UNITS%", units);
  fill_in(columns, "%SPELLINGS%", raw ? ", \"不详\", \"/\", N/A" : "");
  fill_in(columns, "%MVI%", raw ? ", from: [table, report.mvi]" : "");  // the letter answers what the table left open
  publish(options.out / "patients.csv", patients);
  publish(options.out / "treatments.csv", treatments);
  publish(options.out / "follow_up.csv", follow_up);
  if (options.features) {
    publish(options.out / "imaging.csv", files.imaging);
    publish(options.out / "slides.csv", files.slides);
    publish(options.out / "reports.csv", files.reports);
  }
  // Last of the tables.
  publish(options.out / "cohort.yaml", std::string(kCohortHead) + (options.features ? kFeatureTables : "") + columns + (options.features ? kFeatureModalities : "") + kRules);
}

std::array<Ceiling, 3> write_truth(const Options& options, const std::vector<Centre>& centres, const std::vector<Person>& people) {
  constexpr std::array<double, 3> kHorizon{36, 36, 60};
  constexpr std::array<const char*, 3> kEndpoint{"rfs", "recurrence", "os"};
  const fs::path folder = truth_folder(options.out);
  make_folder(folder);
  std::vector<std::string> header{"patient_id", "centre", "eligible", "log_hazard", "clinical_log_hazard", "readable_log_hazard", "intended_arm"};
  for (std::size_t l = 0; l < kLatents; ++l) header.push_back("latent_" + std::to_string(l));
  for (const char* arm : kArmNames)
    for (const char* what : {"probability", "start_day", "recurrence_months", "death_months", "risk_rfs_36", "risk_recurrence_36", "risk_os_60"}) header.push_back(std::string(arm) + "_" + what);
  std::string csv = csv_line(header);
  std::array<std::array<std::vector<double>, 3>, 3> risk;  // [endpoint][oracle, reader, clinical]
  std::array<std::vector<double>, 3> time;
  std::array<std::vector<int>, 3> event;
  const std::vector<std::size_t> owner = outcome_owners(options, people.size());
  for (std::size_t i = 0; i < people.size(); ++i) {
    const Person& p = people[i];
    const double readable = readable_log_hazard(p);
    std::vector<std::string> fields{p.id, centres[p.centre].name, eligible(p) && !people[owner[i]].lost ? "1" : "0", number_text(p.log_hazard), number_text(p.clinical_log_hazard), number_text(readable), kArmNames[p.intended_arm]};
    for (const double latent : p.latent) fields.push_back(number_text(latent));
    for (std::size_t a = 0; a < kArms; ++a) {
      for (const double value : {p.arm_probability[a], p.start_day[a], p.potential[a].recurrence, p.potential[a].death}) fields.push_back(value > 1e8 ? "" : number_text(value));
      for (std::size_t e = 0; e < 3; ++e) fields.push_back(number_text(true_risk(p, a, e, kHorizon[e], p.log_hazard)));
    }
    csv += csv_line(fields);
    if (!eligible(p) || people[owner[i]].lost) continue;
    const Observed seen = observe(people[owner[i]]);
    for (std::size_t e = 0; e < 3; ++e) {
      const std::array<double, 3> logs{p.log_hazard, readable, p.clinical_log_hazard};
      for (std::size_t k = 0; k < 3; ++k) {
        double natural = 0;
        for (std::size_t a = 0; a < kArms; ++a) natural += p.arm_probability[a] * true_risk(p, a, e, kHorizon[e], logs[k]);
        risk[e][k].push_back(natural);
      }
      const bool recurred = seen.recurrence >= 0, died = seen.death >= 0;
      const double first = recurred ? seen.recurrence : died ? seen.death : people[owner[i]].recurrence_free_seen;
      const double t = e == 2 ? seen.last_contact : first;
      const bool happened = e == 2 ? died : e == 1 ? recurred : recurred || died;
      time[e].push_back(std::min(t, kHorizon[e]));
      event[e].push_back(happened && t <= kHorizon[e] ? 1 : 0);
    }
  }
  std::array<Ceiling, 3> ceilings;
  nlohmann::ordered_json out{{"seed", options.seed}, {"patients", people.size()}, {"effect", options.effect}, {"method", "Harrell C over eligible patients of the natural risk (true arm probabilities), times cut at the horizon. reader: clinical part + posterior means of the latents given what each present modality shows"}};
  for (std::size_t e = 0; e < 3; ++e) {
    ceilings[e] = {concordance(risk[e][0], time[e], event[e]), concordance(risk[e][1], time[e], event[e]), concordance(risk[e][2], time[e], event[e])};
    out[kEndpoint[e]] = {{"oracle_c", ceilings[e].oracle}, {"reader_c", ceilings[e].reader}, {"clinical_c", ceilings[e].clinical},
                         {"reader_share", (ceilings[e].reader - 0.5) / (ceilings[e].oracle - 0.5)}, {"events", std::accumulate(event[e].begin(), event[e].end(), 0)}, {"n", time[e].size()}};
  }
  publish(folder / "truth.csv", csv);
  publish(folder / "truth.json", out.dump(2) + "\n");
  return ceilings;
}

}  // namespace hepar::synthetic
