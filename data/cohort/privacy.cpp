// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/privacy.hpp"

#include "data/base/files.hpp"
#include "data/base/text.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace hepar {

namespace {

// 96 bits: enough that no two patients of any cohort meet.
std::string keyed_name(std::string_view key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  std::string hex;
  for (unsigned int i = 0; i < 12; ++i) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

// Where words in quotes begin and end, in turn. An apostrophe within a word is none of them; where they do not alternate, a
// cell holds some of its own, and everything from the first to the last counts as one word.
std::vector<std::size_t> quotation_marks(const std::string& text) {
  const auto edge = [&](std::size_t at) { return at >= text.size() || std::string_view(" ,;:()").find(text[at]) != std::string_view::npos; };
  std::vector<std::size_t> marks;
  bool in_turn = true;
  std::size_t first = std::string::npos, last = 0;
  for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 1)) {
    first = std::min(first, at);
    last = at;
    const bool opens = at == 0 || edge(at - 1), closes = edge(at + 1);
    if (!opens && !closes) continue;
    in_turn = in_turn && (marks.size() % 2 == 0 ? opens : closes);
    marks.push_back(at);
  }
  if (first == std::string::npos || (in_turn && marks.size() % 2 == 0)) return marks;
  return {first, last};
}

}  // namespace

// The key's text without the line end that editors add. Pseudonyms stand in for the key, so ids that repeat between
// centres stay apart.
void pseudonymise(Cohort& cohort) {
  const std::string bytes = read_file(cohort.spec.key_file);
  const std::string_view key = trim(bytes);
  if (key.size() < 16) throw usage_error("holds fewer than 16 characters", {cohort.spec.key_file.string()}, "put a long random secret into the key file");
  std::map<std::string, std::string> names;
  for (PatientRecord& patient : cohort.patients) {
    const std::string& name = names[patient.key] = keyed_name(key, patient.key);
    patient.id = patient.key = name;
  }
  for (Query& query : cohort.queries) {
    query.patient = names.at(query.patient);
    query.value.clear();
  }
}

std::set<std::string> spoken_names(const CohortSpec& spec) {
  // Column names of the contract.
  std::set<std::string> names{
      "patient_id", "centre",  "surgery_date",    "path",  "timing",   "phase",   "mask",   "stain",   "um_per_pixel", "text",      "language", "kind", "drug",
      "drug_class", "finding", "recurrence_site", "cause", "patients", "imaging", "slides", "reports", "treatments",   "follow_up", "NA",       "\""};
  for (const char* stem : {"recurrence", "recurrence_free", "death", "last_contact", "start", "stop", "study"})
    for (const char* form : {"_day", "_date"}) names.insert(std::string(stem) + form);
  for (const ColumnSpec& column : spec.columns) {
    names.insert({column.name, column.source_column});
    names.insert(column.values.begin(), column.values.end());
  }
  for (const EndpointSpec& endpoint : spec.endpoints) names.insert({endpoint.name, endpoint.time_column, endpoint.event_column});
  return names;
}

Error without_cells(const Error& error, const std::set<std::string>& spoken) {
  std::string said = error.what();
  for (const char* repeats : {"; known: ", "; it may be "})  // remedies that offer names of the header, or read the cell
    if (const std::size_t from = said.find(repeats); from != std::string::npos) said.resize(from);
  const std::vector<std::size_t> marks = quotation_marks(said);
  std::string message;
  std::size_t at = 0;
  for (std::size_t m = 0; m + 1 < marks.size(); m += 2) {
    const std::string word = said.substr(marks[m] + 1, marks[m + 1] - marks[m] - 1);
    message += said.substr(at, marks[m] + 1 - at) + (spoken.contains(word) ? word : "...");
    at = marks[m + 1];
  }
  return Error(error.code(), message + said.substr(at));
}

}  // namespace hepar
