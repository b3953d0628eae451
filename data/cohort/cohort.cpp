// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/cohort.hpp"

#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/cohort/table_reader.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace hepar {

namespace {

// The first 96 bits of an HMAC-SHA256, in hex: enough that no two patients of any cohort meet.
std::string keyed_name(std::string_view key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &length);
  std::string hex;
  for (unsigned int i = 0; i < 12; ++i) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

// The key's text without the line end that editors add. Pseudonyms stand in for the key, so ids that repeat between
// centres stay apart.
void pseudonymise(Cohort& cohort) {
  const std::string bytes = read_file(cohort.spec.key_file);
  const std::string_view key = trim(bytes);
  if (key.size() < 16)
    throw usage_error("holds fewer than 16 characters", {cohort.spec.key_file.string()},
                      "put a long random secret into the key file");
  std::map<std::string, std::string> names;
  for (PatientRecord& patient : cohort.patients) {
    const std::string& name = names[patient.key] = keyed_name(key, patient.key);
    patient.id = patient.key = name;
  }
  for (Query& query : cohort.queries) query.patient = names.at(query.patient);
}

std::string optional_text(const std::optional<double>& value) { return value ? number_text(*value) : "-"; }

std::string digest_of(const Cohort& cohort) {
  Sha256 hash;
  const auto add = [&](const std::vector<std::string>& fields) { hash.update(csv_line(fields)); };
  for (const PatientRecord& patient : cohort.patients) {
    add({patient.key, patient.centre, patient.has_follow_up ? "followed" : "",
         patient.treatments_recorded ? "treatments" : ""});
    for (const Cell& cell : patient.cells) add({number_text(cell.value), std::to_string(static_cast<int>(cell.state))});
    for (std::size_t e = 0; e < patient.direct_months.size(); ++e)
      add({number_text(patient.direct_months[e]), number_text(patient.direct_event[e])});
    const FollowUp& seen = patient.follow_up;
    add({optional_text(seen.recurrence_day), optional_text(seen.recurrence_free_day), optional_text(seen.death_day),
         optional_text(seen.last_contact_day), seen.recurrence_site, seen.cause});
    for (const Treatment& treatment : patient.treatments)
      add({treatment.kind, treatment.drug, treatment.drug_class, number_text(treatment.start_day),
           optional_text(treatment.stop_day), treatment.finding});
  }
  return hash.hex();
}

}  // namespace

std::vector<std::string> Cohort::centres() const {
  std::set<std::string> names;
  for (const PatientRecord& patient : patients) names.insert(patient.centre);
  return {names.begin(), names.end()};
}

Cohort read_cohort(const std::filesystem::path& cohort_yaml) {
  Cohort cohort;
  cohort.spec = read_cohort_spec(cohort_yaml);
  TableReader reader(cohort);
  reader.patients();
  reader.follow_up();
  reader.treatments();
  reader.imaging();
  reader.slides();
  reader.reports();
  reader.finish();
  if (cohort.spec.pseudonymise) pseudonymise(cohort);
  std::sort(cohort.patients.begin(), cohort.patients.end(),
            [](const PatientRecord& a, const PatientRecord& b) { return a.key < b.key; });
  cohort.tables_digest = digest_of(cohort);
  return cohort;
}

}  // namespace hepar
