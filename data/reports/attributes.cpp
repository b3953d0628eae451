// SPDX-License-Identifier: Apache-2.0
#include "data/reports/attributes.hpp"

#include "data/base/text.hpp"
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace hepar::reports {

namespace {

enum class Settle { agree, largest, least, first };

struct Rule {
  const char* name;
  const char* rule;
  Statements (*statements)(const Reading&);
  Settle settle = Settle::agree;
  const char* vague = nullptr;   // a value that says less than the others: it yields to them …
  const char* denied = nullptr;  // … but not to this one
};
constexpr std::array<Rule, 18> kRules{{
    {"diagnosis", "diagnosis.name_and_polarity", &diagnosis},
    {"mvi", "mvi.grade_or_polarity", &mvi, Settle::agree, "positive", "M0"},
    {"edmondson", "edmondson.grade", &edmondson},
    {"differentiation", "differentiation.phrase", &differentiation},
    {"size_mm", "size.largest_before_unit", &size_mm, Settle::largest},
    {"number", "number.count_or_phrase", &tumour_number, Settle::agree, "multiple", "1"},
    {"capsule", "capsule.phrase_and_polarity", &capsule, Settle::agree, "present", "absent"},
    {"satellite", "satellite.polarity", &satellite},
    {"margin", "margin.polarity", &margin},
    {"margin_mm", "margin.least_distance", &margin_mm, Settle::least},
    {"cirrhosis", "cirrhosis.polarity_or_stage", &cirrhosis},
    {"macrovascular", "macrovascular.polarity", &macrovascular},
    {"bile_duct_thrombus", "bile_duct_thrombus.polarity", &bile_duct_thrombus},
    {"nerve", "nerve.polarity", &nerve},
    {"lymph_node", "lymph_node.counts_or_polarity", &lymph_node},
    {"nodes_positive", "lymph_node.sum", &nodes_positive},
    {"nodes_examined", "lymph_node.sum", &nodes_examined},
    {"necrosis_pct", "necrosis.percent", &necrosis_pct},
}};

// What a correcting phrase leaves: the statements behind it, or the last one when it says that this one holds.
void apply_corrections(const Reading& reading, Statements& said) {
  static const Pattern kCorrects(R"(更正|修正|补充(?:报告|诊断)|修改为|改为|‹(?:addendum|amended|amendment|corrected|correction|revised)›)");
  static const Pattern kHolds(R"(以(?:此|本|后者|补充报告)[^,。;]{0,4}为准|‹supersedes›)");
  static const Pattern kSuperseded(R"((?:‹(?:amended|corrected|revised|changed) from›|‹original(?:ly)? (?:statement|report|diagnosis|wording|reported)›)"
                                   R"(|\((?:‹(?:was|formerly|previously)›|原(?:为|写))|原(?:报告|诊断|先))"
                                   R"(|(?<=,|。|;|:|^)由)(?:(?!‹to›|更正|修正|改为|‹is now›|现为)[^.。;,]){0,40}$)");
  const auto superseded = [&](const Statement& s) {
    return reading.in(kSuperseded, {s.where.begin - std::min<std::size_t>(s.where.begin, 60), s.where.begin});
  };
  if (said.size() < 2) return;
  if (!std::all_of(said.begin(), said.end(), superseded)) std::erase_if(said, superseded);
  if (said.size() < 2) return;
  std::sort(said.begin(), said.end(), [](const Statement& a, const Statement& b) { return a.where.begin < b.where.begin; });
  for (std::size_t i = said.size() - 1; i > 0; --i) {
    const Span between{std::min(said[i - 1].where.end, said[i].where.end), said[i].where.end};
    if (!reading.in(kCorrects, between)) continue;
    said.erase(said.begin(), said.begin() + static_cast<long>(i));
    return;
  }
  if (reading.in(kHolds, {said.back().where.end, reading.text().size()})) said.erase(said.begin(), said.end() - 1);
}

std::optional<Statement> settle(const Reading& reading, const Rule& rule, Statements said) {
  if (said.empty()) return std::nullopt;
  apply_corrections(reading, said);
  const auto number = [](const Statement& s) { return parse_number(s.value).value_or(0); };
  const auto less = [&](const Statement& a, const Statement& b) { return number(a) < number(b); };
  if (rule.settle == Settle::largest) return *std::max_element(said.begin(), said.end(), less);
  if (rule.settle == Settle::least) return *std::min_element(said.begin(), said.end(), less);
  const auto all = [&](const char* value) { return std::all_of(said.begin(), said.end(), [&](const Statement& s) { return s.value == value; }); };
  const auto any = [&](const char* value) { return std::any_of(said.begin(), said.end(), [&](const Statement& s) { return s.value == value; }); };
  if (!all("uncertain")) std::erase_if(said, [](const Statement& s) { return s.value == "uncertain"; });
  if (rule.vague != nullptr && !any(rule.denied) && !all(rule.vague)) std::erase_if(said, [&](const Statement& s) { return s.value == rule.vague; });
  const bool same = std::all_of(said.begin(), said.end(), [&](const Statement& s) { return s.value == said.front().value; });
  if (same) return *std::max_element(said.begin(), said.end(), [](const Statement& a, const Statement& b) { return a.confidence < b.confidence; });
  if (rule.settle == Settle::first) return Statement{said.front().value, said.front().where, 0.5};
  return Statement{"conflict", said.back().where, said.back().confidence};
}

}  // namespace

std::vector<Attribute> attributes_of(std::string_view utf8) {
  const Reading reading(utf8);
  std::vector<Attribute> found;
  for (const Rule& rule : kRules)
    if (const std::optional<Statement> said = settle(reading, rule, rule.statements(reading))) found.push_back(reading.attribute(rule.name, *said, rule.rule));
  // A panel that is repeated for a second block: the first one counts, with less confidence.
  constexpr Rule kPanel{"", "ihc.first_block", nullptr, Settle::first};
  std::map<std::string, Statements> panel;
  for (const auto& [name, statement] : markers(reading)) panel[name].push_back(statement);
  for (const auto& [name, statements] : panel)
    if (const std::optional<Statement> said = settle(reading, kPanel, statements))
      found.push_back(reading.attribute(name, *said, said->confidence > 0.5 ? "ihc.value_beside_name" : kPanel.rule));
  return found;
}

}  // namespace hepar::reports
