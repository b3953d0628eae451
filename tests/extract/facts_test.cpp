// SPDX-License-Identifier: Apache-2.0
// The facts that rules may name are those that the readers give, with the values that they give; and what was extracted is
// extracted again when its shape or its reader changes.
#include "data/cohort/eligibility.hpp"
#include "data/pathology/slide_facts.hpp"
#include "data/reports/sequence.hpp"
#include "sharding/extract/extract.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace hepar::extract {

namespace {

ModalitySpec modality(const char* name, Kind kind) {
  ModalitySpec spec;
  spec.name = name;
  spec.kind = kind;
  return spec;
}

// Every attribute with every value that a report can state.
constexpr std::array kReports{
    "肝细胞癌，Edmondson "
    "Ⅰ级。MVI：M0。高分化。包膜完整。未见卫星结节。切缘阴性，距切缘1cm。肝硬化。直径3cm，单发。坏死约10%。淋巴结0/"
    "3。门静脉癌栓。胆管癌栓。神经侵犯。Ki-67(20%+)。",
    "肝内胆管癌，Edmondson Ⅰ-Ⅱ级。MVI：M1。中分化。包膜不完整。可见卫星结节。切缘阳性。未见肝硬化。多发。淋巴结2/3。未见门静脉癌栓、胆管癌栓及神经侵犯。",
    "混合型肝癌，Edmondson Ⅱ级。MVI：M2。低分化。无包膜。未送检淋巴结。",
    "血管肉瘤。可见微血管侵犯。未分化。有包膜。",
    "肝细胞癌，Edmondson Ⅱ-Ⅲ级。高-中分化。",
    "肝细胞癌，Edmondson Ⅲ级。中-低分化。",
    "肝细胞癌，E-S Ⅲ～Ⅳ级。",
    "Moderately differentiated hepatocellular carcinoma of the liver, Edmondson grade IV, solitary."};
constexpr std::array kMarkers{"HepPar-1", "Arginase-1", "GPC3",  "AFP",  "CD34",  "CK7",          "CK8",   "CK18", "CK19",
                              "p53",      "GS",         "HSP70", "CD10", "EpCAM", "beta-catenin", "PD-L1", "CD8"};
constexpr std::array kReactions{"(+)", "(-)", "(灶+)", "(弱+)"};

Facts facts_of(const std::string& text) {
  PatientRecord patient;
  patient.reports.push_back({{}, text, "", {}});
  Facts facts;
  (void)reports::read_sequence(patient, modality("report", Kind::sequence), facts);
  return facts;
}

}  // namespace

TEST(KnownFacts, OfReportsAreThoseThatAreFound) {
  CohortSpec spec;
  spec.modalities = {modality("report", Kind::sequence)};
  std::set<std::string> known, found;
  for (const FactName& fact : known_facts(spec)) {
    if (fact.known_from != "extraction" || fact.name == "report.readable" || fact.name == "report.items") continue;
    if (fact.type == FactName::Type::number) known.insert(fact.name);
    for (const std::string& value : fact.values) known.insert(fact.name + " " + value);
  }
  std::vector<std::string> texts(kReports.begin(), kReports.end());
  for (const char* marker : kMarkers)
    for (const char* reaction : kReactions) texts.push_back(std::string("免疫组化：") + marker + reaction + "。");
  for (const std::string& text : texts)
    for (const auto& [name, fact] : facts_of(text)) {
      const bool number = fact.text.find_first_not_of("0123456789.") == std::string::npos;
      found.insert(number ? name : name + " " + fact.text);
    }
  EXPECT_EQ(found, known);
}

TEST(KnownFacts, OfSlidesAreThoseThatAreMeasured) {
  CohortSpec spec;
  spec.modalities = {modality("slide", Kind::bag)};
  std::set<std::string> known, measured{"slide.readable", "slide.items", "slide.count"};
  for (const FactName& fact : known_facts(spec))
    if (fact.known_from == "extraction") known.insert(fact.name);
  for (const pathology::QualityNumber& number : pathology::quality_numbers()) measured.insert(std::string("slide.") + number.name);
  EXPECT_EQ(measured, known);
}

TEST(Fingerprint, ChangesWithTheShapeAndTheMeaningOfWhatIsExtracted) {
  Cohort cohort;
  cohort.spec.modalities = {modality("ct", Kind::volume), modality("report", Kind::sequence)};
  cohort.spec.modalities[0].phases = {"arterial"};
  PatientRecord patient;
  patient.key = "P1";
  const Recipe recipe = recipe_of(cohort);
  ASSERT_EQ(recipe.modalities.size(), 2u);
  std::set<std::string> seen{fingerprint(patient, recipe)};
  EXPECT_EQ(fingerprint(patient, recipe_of(cohort)), *seen.begin());
  const auto changed = [&](const auto& change) {
    Recipe other = recipe;
    change(other);
    return seen.insert(fingerprint(patient, other)).second;
  };
  EXPECT_TRUE(changed([](Recipe& r) { r.modalities[0].layout.item.back() += 1; }));
  EXPECT_TRUE(changed([](Recipe& r) { r.modalities[0].layout.type = DType::float32; }));
  EXPECT_TRUE(changed([](Recipe& r) { r.modalities[1].layout.meaning = "another lexicon"; }));
}

}  // namespace hepar::extract
