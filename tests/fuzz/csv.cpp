// SPDX-License-Identifier: Apache-2.0
// Any one table of a cohort: the first byte says which, the rest is its file.
#include "data/cohort/eligibility.hpp"
#include "data/cohort/outcome.hpp"
#include "tests/fuzz/target.hpp"

#include <array>

using namespace hepar;

namespace {

constexpr std::string_view kCohort = R"(schema: hepar-cohort/1
patients: patients.csv
follow_up: follow_up.csv
treatments: treatments.csv
imaging: imaging.csv
slides: slides.csv
reports: reports.csv
columns:
  age: {type: number, unit: years, range: [0, 120], known: pre_op}
  afp: {type: number, unit: ng/mL, known: pre_op, limits: keep}
  mvi: {type: category, values: [M0, M1, M2], known: post_op}
  hbsag: {type: flag, known: pre_op}
eligibility:
  - {id: age, text: 18-75 years, require: "age >= 18 and age <= 75"}
endpoints:
  rfs: {events: [recurrence, death], horizon_months: 36}
strategies: {window_days: [14, 90], arms: [surgery, tace]}
)";

struct File {
  const char* name;
  std::string_view text;
};
constexpr std::array<File, 6> kTables{{
    {"patients.csv", "patient_id,centre,surgery_date,age,afp,mvi,hbsag\nP1,A,2020-02-03,50,12,M0,yes\nP2,A,,60,>60500,M1,\n"},
    {"follow_up.csv", "patient_id,recurrence_day,death_day,last_contact_day\nP1,,,800\nP2,200,600,600\n"},
    {"treatments.csv", "patient_id,kind,start_day\nP1,tace,30\n"},
    {"imaging.csv", "patient_id,path,timing,phase\nP1,ct,pre_op,portal\n"},
    {"slides.csv", "patient_id,path,um_per_pixel\nP1,a.svs,0.5\n"},
    {"reports.csv", "patient_id,text\nP1,MVI M1\n"},
}};

void read_whole_cohort(const std::filesystem::path& yaml) {
  const Cohort cohort = read_cohort(yaml);
  const std::vector<Verdict> verdicts = judge(cohort, cohort.spec.eligibility, nullptr);
  static_cast<void>(count_flow(cohort, cohort.spec.eligibility, verdicts).json());
  for (const PatientRecord& patient : cohort.patients) {
    static_cast<void>(assign_strategy(patient, cohort.spec.strategies));
    for (const EndpointSpec& endpoint : cohort.spec.endpoints) static_cast<void>(outcome_of(patient, cohort.spec, endpoint));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return -1;
  static const fuzz::MemoryFolder folder;
  fuzz::reads([&] {
    const std::filesystem::path yaml = folder.write("cohort.yaml", kCohort);
    for (const File& table : kTables) folder.write(table.name, table.text);
    folder.write(kTables[data[0] % kTables.size()].name, fuzz::text_of(data + 1, size - 1));
    read_whole_cohort(yaml);
  });
  return 0;
}
