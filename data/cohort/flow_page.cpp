// SPDX-License-Identifier: Apache-2.0
#include "data/cohort/flow_page.hpp"

#include "data/base/page.hpp"

#include <fmt/format.h>

#include <array>

namespace hepar {

namespace {

using Json = nlohmann::ordered_json;

std::int64_t all_centres(const Json& counts) {
  std::int64_t sum = 0;
  for (const auto& [centre, n] : counts.items()) sum += n.get<std::int64_t>();
  return sum;
}

std::vector<std::string> counted_row(const std::string& label, const Json& counts, const Json& centres) {
  std::vector<std::string> row{label, std::to_string(all_centres(counts))};
  for (const auto& [centre, n] : centres.items()) row.push_back(counts.contains(centre) ? counts.at(centre).dump() : "0");
  return row;
}

}  // namespace

std::string flow_html(const Json& flow) {
  const Json& centres = flow.at("patients");
  std::vector<std::string> header{"", "all"};
  for (const auto& [centre, n] : centres.items()) header.push_back(escaped(centre));
  std::vector<std::vector<std::string>> rows{counted_row("patients", centres, centres)};
  std::string boxes =
      fmt::format("<ol class=\"flow\"><li><b>{}</b> patients in {} centre{}</li>", all_centres(centres), centres.size(), centres.size() == 1 ? "" : "s");
  // A rule's text says what must hold: "not met: 18-75 years".
  static constexpr std::array<std::pair<const char*, const char*>, 4> kWays{{{"excluded", "left out, not met"},
                                                                             {"unknown_excluded", "left out, not known"},
                                                                             {"queried", "wait for an answer"},
                                                                             {"unknown_included", "kept, not known"}}};
  for (const Json& step : flow.at("steps")) {
    for (const auto& [key, words] : kWays) {
      if (!step.contains(key) || all_centres(step.at(key)) == 0) continue;
      const std::string label = std::string(words) + ": " + escaped(step.at("text").get<std::string>());
      rows.push_back(counted_row(label, step.at(key), centres));
      if (std::string_view(key) != "unknown_included") boxes += fmt::format("<li class=\"out\"><b>{}</b> {}</li>", all_centres(step.at(key)), label);
    }
  }
  rows.push_back(counted_row("eligible", flow.at("eligible"), centres));
  boxes += fmt::format("<li><b>{}</b> eligible</li></ol>", all_centres(flow.at("eligible")));
  for (const auto& [strategy, counts] : flow.at("strategies").items()) rows.push_back(counted_row("strategy " + escaped(strategy), counts, centres));
  std::string queries;
  const Json counted = flow.value("queries", Json::object());
  for (const auto& [problem, n] : counted.items()) queries += "<li>" + escaped(problem) + ": " + n.dump() + "</li>";
  return boxes + table(header, rows, Narrow::sliding) + (queries.empty() ? "" : "<p>Queries to data managers:</p><ul>" + queries + "</ul>");
}

}  // namespace hepar
