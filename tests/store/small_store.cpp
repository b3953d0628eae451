// SPDX-License-Identifier: Apache-2.0
#include "tests/store/small_store.hpp"

#include "data/base/random.hpp"

#include <stdlib.h>

#include <bit>
#include <stdexcept>

namespace hepar::store::testing {

namespace {

Feature bag(Stream& stream, int tiles) {
  Feature feature;
  feature.reason = Reason::present;
  feature.items = tiles;
  for (std::int64_t i = 0; i < tiles * kWidth; ++i) {
    const auto half = std::bit_cast<std::array<std::byte, 2>>(to_half(static_cast<float>(stream.normal())));
    feature.values.insert(feature.values.end(), half.begin(), half.end());
  }
  for (int i = 0; i < tiles; ++i) feature.coords.push_back({i % 2, 256 * i, -i});
  return feature;
}

Feature volume(Stream& stream) {
  Feature feature;
  feature.reason = Reason::present;
  feature.items = 1;
  for (int i = 0; i < kPhases * 4 * 3 * 2; ++i) {
    const auto half = std::bit_cast<std::array<std::byte, 2>>(to_half(static_cast<float>(stream.below(400))));
    feature.values.insert(feature.values.end(), half.begin(), half.end());
  }
  for (std::size_t i = 0; i < feature.affine.size(); ++i) feature.affine[i] = stream.normal();
  feature.phase_present = {1, static_cast<std::uint8_t>(stream.below(2))};
  return feature;
}

Feature sequence(Stream& stream, int tokens) {
  Feature feature;
  feature.reason = Reason::present;
  feature.items = tokens;
  for (int i = 0; i < tokens; ++i) {
    const auto id = std::bit_cast<std::array<std::byte, 4>>(static_cast<std::int32_t>(stream.below(900)));
    feature.values.insert(feature.values.end(), id.begin(), id.end());
  }
  return feature;
}

Feature absent(Reason reason) {
  Feature feature;
  feature.reason = reason;
  return feature;
}

PatientRow row_of(Stream& stream, const std::string& key, int i) {
  PatientRow row;
  row.key = row.id = key;
  row.centre = i % 3 == 0 ? "C01" : "C02";
  const std::array<Cell, 4> afp{Cell{82.5, Cell::State::known}, Cell{}, Cell{60500, Cell::State::above_limit}, Cell{std::nan(""), Cell::State::query}};
  row.cells = {afp[static_cast<std::size_t>(i) % 4], Cell{static_cast<double>(i % 3), Cell::State::known}};
  row.verdict.rules = {{i % 5 == 0 ? Truth::no : Truth::yes, i % 5 != 0, false}, {Truth::unknown, true, false}};
  row.verdict.excluded_by = row.verdict.excluded_at_enrolment_by = i % 5 == 0 ? 0 : -1;
  if (i % 4 == 1) row.assignment.state = "undetermined";
  if (i % 4 != 1) row.assignment.arm = i % 4 == 0 ? 0 : 1;
  if (row.assignment.arm == 1) row.assignment.start_day[*treatment_kind("tace")] = 30.0 + i;
  row.history = {true, i % 2 == 0 ? std::optional(3.0 + i) : std::nullopt, std::nullopt, 3.0 + i, 40.0 + stream.uniform()};
  if (i % 7 == 6) row.history = {};
  row.outcomes = {i % 7 == 6 ? Outcome{} : Outcome{true, 3.0 + i, i % 2 == 0 ? 1 : 0}};
  row.follow_up.last_contact_day = 1200.5;
  if (row.assignment.arm == 1) row.treatments.push_back({"tace", "", "", "", 30.0 + i, std::nullopt});
  return row;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "hepar-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder under " + name);
  path_ = name;
}

std::vector<StoredModality> small_modalities() {
  return {{"clinical", {Kind::vector, DType::float32, {2}, "", ""}, {}, {"afp", "mvi"}},
          {"slide", {Kind::bag, DType::float16, {kWidth}, "tile feature", "test"}, {KnownAt::kPostOp}, {}},
          {"ct", {Kind::volume, DType::float16, {kPhases, 4, 3, 2}, "HU", "arterial, portal"}, {}, {}},
          {"report", {Kind::sequence, DType::int32, {}, "lexicon id", "lexicon 1"}, {KnownAt::kPostOp}, {}}};
}

Tables small_tables() {
  Tables tables;
  ColumnSpec afp, mvi;
  afp.name = "afp";
  afp.unit = "ng/mL";
  afp.low = 0;
  afp.log1p = afp.keep_limits = true;
  mvi.name = "mvi";
  mvi.type = ColumnType::category;
  mvi.values = {"M0", "M1", "M2"};
  mvi.known = {KnownAt::kPostOp};
  tables.columns = {afp, mvi};
  EndpointSpec rfs;
  rfs.name = "rfs";
  rfs.recurrence_is_event = rfs.death_is_event = true;
  rfs.horizon_months = 36;
  tables.endpoints = {rfs};
  tables.strategies.arms = {"surgery", "tace"};
  RuleSpec age, mvi_rule;
  age.id = "age";
  age.require = "age >= 18";
  mvi_rule.id = "mvi/any";  // a name that no HDF5 group could have
  mvi_rule.stage = Stage::analysis;
  mvi_rule.on_unknown = OnUnknown::include;
  tables.rules = {age, mvi_rule};
  tables.has_histories = true;
  return tables;
}

std::vector<SmallPatient> small_patients(int n) {
  std::vector<SmallPatient> patients;
  for (int i = 0; i < n; ++i) {
    Stream stream({7, static_cast<std::uint64_t>(i)});
    const std::string key = "患者-" + std::to_string(1000 + i);
    SmallPatient patient{row_of(stream, key, i), {}, {}};
    patient.features.push_back(i % 4 == 3 ? absent(Reason::unreadable) : bag(stream, 1 + i % 9));
    patient.features.push_back(i % 5 == 4 ? absent(Reason::missing_phase) : volume(stream));
    patient.features.push_back(i % 6 == 5 ? absent(Reason::not_recorded) : sequence(stream, 3 + i % 4));
    patient.facts["slide.readable"] = {Fact::State::known, i % 4 == 3 ? "false" : "true", "extraction", 1};
    if (i % 2 == 0) patient.facts["report.mvi"] = {Fact::State::conflict, "M1", "rule 3", 0.75};
    patients.push_back(std::move(patient));
  }
  return patients;
}

void write_small_store(const std::filesystem::path& folder, int n, std::size_t patients_per_shard) {
  StoreWriter writer(folder, small_modalities(), small_tables());
  for (SmallPatient& patient : small_patients(n)) writer.add(std::move(patient.row), std::move(patient.features), std::move(patient.facts));
  writer.finish(patients_per_shard);
}

}  // namespace hepar::store::testing
