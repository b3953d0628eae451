// SPDX-License-Identifier: Apache-2.0
#include "trainer/evaluation/sealed_files.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::evaluation {

namespace {

double number_at(const Table& table, std::size_t row, const std::string& column) {
  return parse_number(table.at(row, table.require(column))).value_or(std::nan(""));
}

}  // namespace

Sealed read_decisions(const fs::path& path, const std::vector<std::string>& arms) {
  const Table table = Table::read(path);
  const std::size_t id = table.require("patient_id"), centre = table.require("centre"), recommended = table.require("recommended"),
                    small = table.require("small_gain"), abstained = table.require("abstained");
  Sealed out;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto arm = std::find(arms.begin(), arms.end(), table.at(row, recommended));
    if (arm == arms.end())
      throw store_error("recommends '" + table.at(row, recommended) + "', which is no strategy of this cohort", table.place(row),
                        "evaluate with the cohort's own strategies");
    Subject subject;
    subject.recommended = static_cast<int>(arm - arms.begin());
    subject.small_gain = table.at(row, small) == "1";
    subject.abstained = table.at(row, abstained);
    for (const std::string& name : arms) subject.gain.push_back(number_at(table, row, "gain_" + name));
    out.keys.emplace_back(table.at(row, centre), table.at(row, id));
    out.subjects.push_back(std::move(subject));
  }
  return out;
}

NaturalCurves read_natural(const fs::path& path, std::vector<double>& months) {
  const Table table = Table::read(path);
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < table.header().size(); ++c)
    if (table.header()[c].starts_with("survival_")) {
      columns.push_back(c);
      months.push_back(parse_number(table.header()[c].substr(9)).value_or(0));
    }
  NaturalCurves out;
  const std::size_t id = table.require("patient_id"), centre = table.require("centre"), endpoint = table.require("endpoint"),
                    strategy = table.require("strategy");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.at(row, strategy) != "natural") continue;
    std::vector<double> survival;
    for (const std::size_t c : columns) survival.push_back(parse_number(table.at(row, c)).value_or(std::nan("")));
    out[table.at(row, endpoint)][{table.at(row, centre), table.at(row, id)}] = std::move(survival);
  }
  return out;
}

}  // namespace hepar::evaluation
