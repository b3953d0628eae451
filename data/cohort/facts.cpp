// SPDX-License-Identifier: Apache-2.0
// The facts that rules may name: those of the tables, and those that only extraction can give.
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/arms.hpp"
#include "data/cohort/cells.hpp"
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace hepar {

namespace {

using Type = FactName::Type;

struct Named {
  std::string_view name, meaning;
  Type type = Type::number;
  std::string_view values = {};  // separated by commas
};

// What the report room finds; tests/extract holds the two to each other.
constexpr std::array<Named, 20> kReportAttributes{
    {{"diagnosis", "type of the liver tumour", Type::text, "HCC,ICC,cHCC-CCA,other"},
     {"mvi", "microvascular invasion", Type::text, "M0,M1,M2,positive"},
     {"edmondson", "Edmondson-Steiner grade", Type::text, "I,I-II,II,II-III,III,III-IV,IV"},
     {"differentiation", "grade of differentiation", Type::text, "well,well-moderate,moderate,moderate-poor,poor,undifferentiated"},
     {"size_mm", "largest diameter of the largest tumour, mm"},
     {"number", "tumours", Type::number, "multiple"},
     {"capsule", "tumour capsule", Type::text, "complete,incomplete,absent,present"},
     {"satellite", "satellite nodules", Type::text, "present,absent"},
     {"margin", "resection margin", Type::text, "negative,positive"},
     {"margin_mm", "least distance from the resection margin, mm"},
     {"cirrhosis", "cirrhosis", Type::text, "present,absent"},
     {"macrovascular", "invasion of large vessels", Type::text, "present,absent"},
     {"bile_duct_thrombus", "tumour thrombus in a bile duct", Type::text, "present,absent"},
     {"nerve", "perineural invasion", Type::text, "present,absent"},
     {"lymph_node", "metastasis in lymph nodes", Type::text, "positive,negative,not_submitted"},
     {"nodes_positive", "lymph nodes with metastasis"},
     {"nodes_examined", "lymph nodes looked at"},
     {"necrosis_pct", "necrosis, per cent"},
     {"ihc.Ki-67_pct", "Ki-67 index, per cent"},
     {"language", "language of the text", Type::text, "zh,en"}}};
// Immunohistochemistry, each as "ihc.<marker>".
constexpr std::string_view kReactions = "positive,negative,focal,weak";
constexpr std::array<std::string_view, 17> kMarkers{"HepPar-1", "Arginase-1", "GPC3", "AFP", "CD34", "CK7", "CK8", "CK18", "CK19",
                                                    "p53", "GS", "HSP70", "CD10", "EpCAM", "beta-catenin", "PD-L1", "CD8"};
// Of whole slides, over all slides of a patient; those of the pathology room (likewise).
constexpr std::array<Named, 12> kSlideNumbers{{{"tissue_mm2", "tissue area over all slides, mm2"},
                                               {"tiles", "tiles that hold enough tissue"},
                                               {"corrupt_tiles", "tiles that could not be decoded"},
                                               {"corrupt_mm2", "area that could not be decoded, mm2"},
                                               {"blur", "share of tiles out of focus"},
                                               {"sharpness", "median Laplacian variance of tiles"},
                                               {"pen", "share of the scan under felt pen"},
                                               {"fold", "share of tissue that is folded"},
                                               {"fading", "share of tissue that is very pale"},
                                               {"background", "mean grey of the background, 0-255"},
                                               {"stain_angle", "degrees between the two stain colours"},
                                               {"um_per_pixel", "um of a pixel of the scan, mean of both axes"}}};
Fact flag(bool holds, const char* source) { return {Fact::State::known, holds ? "true" : "false", source}; }
Fact number(double value, const char* source) { return {Fact::State::known, number_text(value), source}; }
Fact unknown(const char* source) { return {Fact::State::unknown, {}, source}; }

Fact follow_up_complete(const PatientRecord& patient, const CohortSpec& spec) {
  return spec.follow_up.empty() ? unknown("follow_up") : flag(patient.has_follow_up, "follow_up");
}
Fact follow_up_months(const PatientRecord& patient, const CohortSpec&) {
  const History history = history_of(patient);
  return history.known ? number(history.last_contact, "follow_up") : unknown("follow_up");
}
Fact any_kind(const PatientRecord& patient, std::string_view kind) {
  if (!patient.treatments_recorded) return unknown("treatments");
  return flag(std::any_of(patient.treatments.begin(), patient.treatments.end(),
                          [&](const Treatment& one) { return one.kind == kind; }),
              "treatments");
}
Fact treatment_before_window(const PatientRecord& patient, const CohortSpec& spec) {
  if (!patient.treatments_recorded) return unknown("treatments");
  return flag(!patient.treatments.empty() && patient.treatments.front().start_day < spec.strategies.window_low_day,
              "treatments");
}
Fact treatment_strategy(const PatientRecord& patient, const CohortSpec& spec) {
  return {Fact::State::known, assign_strategy(patient, spec.strategies).name(spec.strategies), "treatments"};
}
// Of the first systemic treatment inside the window; "none" when there is none.
Fact treatment_systemic_class(const PatientRecord& patient, const CohortSpec& spec) {
  if (!patient.treatments_recorded) return unknown("treatments");
  for (const Treatment& one : patient.treatments) {
    if (one.kind != "systemic" || one.start_day < spec.strategies.window_low_day || one.start_day > spec.strategies.window_high_day) continue;
    return one.drug_class.empty() ? unknown("treatments") : Fact{Fact::State::known, one.drug_class, "treatments"};
  }
  return {Fact::State::known, "none", "treatments"};
}
Fact surgery_year(const PatientRecord& patient, const CohortSpec&) {
  if (!patient.surgery_date) return unknown("patients");
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(*patient.surgery_date))};
  return number(static_cast<int>(date.year()), "patients");
}

std::vector<std::string> strategy_names(const CohortSpec& spec) {
  std::vector<std::string> names = spec.strategies.arm_names();
  for (const char* state : {"undetermined", "other", "unknown"}) names.emplace_back(state);
  return names;
}

struct TableFact {
  std::string_view name, meaning;
  Type type;
  Fact (*of)(const PatientRecord&, const CohortSpec&);
  std::vector<std::string> (*values)(const CohortSpec&) = nullptr;  // of texts; null: whatever the tables say
};
constexpr std::array<TableFact, 6> kTableFacts{
    {{"follow_up.complete", "true when the follow-up table has this patient", Type::flag, follow_up_complete},
     {"follow_up.months", "months from surgery to death or last contact", Type::number, follow_up_months},
     {"treatment.before_window", "true when a treatment started before the window", Type::flag, treatment_before_window},
     {"treatment.systemic_class", "drug_class of the first systemic start in the window, or none", Type::text, treatment_systemic_class},
     {"treatment.strategy", "an arm, undetermined, other or unknown", Type::text, treatment_strategy, strategy_names},
     {"surgery.year", "calendar year of surgery", Type::number, surgery_year}}};

// The column of "<column>.agrees" or the endpoint of "<endpoint>.known", else "".
std::string stem_of(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) ? std::string(name.substr(0, name.size() - ending.size())) : std::string();
}

std::vector<std::string> values_of(std::string_view list) { return list.empty() ? std::vector<std::string>{} : split(list, ','); }

void add_modality_facts(const ModalitySpec& modality, std::vector<FactName>& facts) {
  const auto add = [&](const Named& fact) {
    facts.push_back({modality.name + "." + std::string(fact.name), std::string(fact.meaning), "extraction", fact.type, values_of(fact.values)});
  };
  add({"readable", "true when this modality could be read", Type::flag});
  add({"items", "tiles, words or volumes that were read"});
  if (modality.kind == Kind::bag) {
    add({"count", "slide files that were read"});
    for (const Named& number : kSlideNumbers) add(number);
  }
  if (modality.kind == Kind::sequence) {
    for (const Named& attribute : kReportAttributes) add(attribute);
    for (const std::string_view marker : kMarkers)
      add({"ihc." + std::string(marker), "immunohistochemistry", Type::text, kReactions});
  }
}

}  // namespace

std::vector<FactName> known_facts(const CohortSpec& spec) {
  std::vector<FactName> facts;
  for (const TableFact& fact : kTableFacts)
    facts.push_back({std::string(fact.name), std::string(fact.meaning), "tables", fact.type,
                     fact.values != nullptr ? fact.values(spec) : std::vector<std::string>{}});
  for (const std::string_view kind : kRecordedKinds)
    facts.push_back({"treatment." + std::string(kind), "true when such a treatment is recorded, at any time", "tables", Type::flag, {}});
  for (const EndpointSpec& endpoint : spec.endpoints)
    facts.push_back({endpoint.name + ".known", "true when this endpoint's time and event are known", "tables", Type::flag, {}});
  for (const ColumnSpec& column : spec.columns)
    if (column.conflict_is_query)
      facts.push_back({column.name + ".agrees", "true unless its sources disagree", "agreement", Type::flag, {}});
  for (const ModalitySpec& modality : spec.modalities)
    if (modality.kind != Kind::vector) add_modality_facts(modality, facts);
  for (const ColumnSpec& column : spec.columns)
    for (const std::string& source : column.from)
      if (const std::optional<RegionSource> region = region_source(column, source))
        facts.push_back({region->fact, std::string(region->change ? "change of " : "") + region->tag + " of the " + column.mask, "extraction", Type::number, {}});
  return facts;
}

std::optional<Fact> table_fact(std::string_view name, const PatientRecord& patient, const CohortSpec& spec) {
  for (const TableFact& fact : kTableFacts)
    if (fact.name == name) return fact.of(patient, spec);
  for (const std::string_view kind : kRecordedKinds)
    if (name == "treatment." + std::string(kind)) return any_kind(patient, kind);
  if (const EndpointSpec* endpoint = spec.endpoint(stem_of(name, ".known")))
    return flag(outcome_of(patient, spec, *endpoint).known, endpoint->direct() ? "patients" : "follow_up");
  return std::nullopt;
}

}  // namespace hepar
