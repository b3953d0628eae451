// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/covariates.hpp"

#include "trainer/validation/fold_plan.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

std::size_t column_index(const store::Store& store, const std::string& name) {
  for (std::size_t c = 0; c < store.columns().size(); ++c)
    if (store.columns()[c].name == name) return c;
  throw store_error("has no column '" + name + "'", {store.path().string()}, "the model was trained on a store that has it");
}

std::vector<statistics::Values> views(const std::vector<std::vector<double>>& columns) { return {columns.begin(), columns.end()}; }

constexpr double kRidge = 1.0;
constexpr std::size_t kLeastOfAnArm = 5;

}  // namespace

double Covariates::term(const Term& term, const Cell& cell) const {
  if (term.part == Part::missing) return cell.usable() ? 0 : 1;
  if (term.part == Part::category) return cell.usable() ? (static_cast<int>(cell.value) == term.value ? 1 : 0) : term.fill;
  if (!cell.usable()) return term.fill;
  return term.log1p ? std::log1p(std::max(cell.value, 0.0)) : cell.value;
}

Covariates Covariates::fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients) {
  Covariates made;
  made.fitted_on_ = keys_of(store, patients);
  for (const std::string& name : columns) {
    const std::size_t c = column_index(store, name);
    const ColumnSpec& spec = store.columns()[c];
    std::int64_t missing = 0;
    for (const std::int64_t p : patients) missing += store.row(p).cells[c].usable() ? 0 : 1;
    std::vector<std::pair<Term, std::string>> candidates;
    if (spec.type == ColumnType::category) {
      for (std::size_t v = 1; v < spec.values.size(); ++v)
        candidates.push_back({{name, Part::category, false, 0, static_cast<int>(v)}, name + "=" + spec.values[v]});
    } else {
      candidates.push_back({{name, Part::number, spec.log1p, 0, 0}, name});
    }
    if (missing > 0) candidates.push_back({{name, Part::missing, false, 0, 0}, name + " missing"});
    for (auto& [term, label] : candidates) {
      double sum = 0, squares = 0;
      std::int64_t n = 0;
      for (const std::int64_t p : patients) {
        const Cell& cell = store.row(p).cells[c];
        if (!cell.usable() && term.part != Part::missing) continue;
        const double value = made.term(term, cell);
        sum += value;
        squares += value * value;
        ++n;
      }
      if (n < 2 || squares - sum * sum / static_cast<double>(n) < 1e-12 * std::max(1.0, squares)) continue;
      term.fill = sum / static_cast<double>(n);
      made.terms_.push_back(term);
      made.names_.push_back(label);
    }
  }
  return made;
}

std::vector<std::vector<double>> Covariates::values(const store::Store& store, const std::vector<std::int64_t>& patients) const {
  std::vector<std::vector<double>> columns;
  for (const Term& one : terms_) {
    const std::size_t c = column_index(store, one.column);
    std::vector<double> values;
    for (const std::int64_t p : patients) values.push_back(term(one, store.row(p).cells[c]));
    columns.push_back(std::move(values));
  }
  return columns;
}

std::string Covariates::json() const {
  Json terms = Json::array();
  for (std::size_t i = 0; i < terms_.size(); ++i)
    terms.push_back({{"name", names_[i]},
                     {"column", terms_[i].column},
                     {"part", static_cast<int>(terms_[i].part)},
                     {"log1p", terms_[i].log1p},
                     {"fill", terms_[i].fill},
                     {"value", terms_[i].value}});
  return terms.dump();
}

Covariates Covariates::from_json(const std::string& text) {
  Covariates made;
  for (const Json& term : Json::parse(text)) {
    made.terms_.push_back({term.at("column"), static_cast<Part>(term.at("part").get<int>()), term.at("log1p"), term.at("fill"), term.at("value")});
    made.names_.push_back(term.at("name"));
  }
  return made;
}

ArmShares ArmShares::fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients) {
  ArmShares made;
  const std::size_t arms = store.strategies().arm_names().size();
  std::vector<std::size_t> counts(arms, 0);
  std::vector<std::int64_t> known;
  for (const std::int64_t p : patients)
    if (store.row(p).assignment.arm >= 0) {
      known.push_back(p);
      ++counts[static_cast<std::size_t>(store.row(p).assignment.arm)];
    }
  made.fitted_on_ = keys_of(store, known);
  made.shares_.assign(arms, 0);
  if (known.empty()) {
    made.shares_[0] = 1;
    made.note_ = "no patient of the training fold has a known strategy: surgery alone is assumed";
    return made;
  }
  for (std::size_t a = 0; a < arms; ++a) {
    made.shares_[a] = static_cast<double>(counts[a]) / static_cast<double>(known.size());
    if (counts[a] >= kLeastOfAnArm) made.present_.push_back(static_cast<int>(a));
  }
  if (made.present_.size() < 2) {
    made.note_ = "fewer than two strategies with 5 patients in the training fold: observed shares";
    return made;
  }
  std::vector<std::int64_t> rows;
  std::vector<int> treatment;
  for (const std::int64_t p : known) {
    const auto found = std::find(made.present_.begin(), made.present_.end(), store.row(p).assignment.arm);
    if (found == made.present_.end()) continue;
    rows.push_back(p);
    treatment.push_back(static_cast<int>(found - made.present_.begin()));
  }
  made.covariates_ = Covariates::fit(store, columns, rows);
  const std::vector<std::vector<double>> x = made.covariates_->values(store, rows);
  const statistics::Propensity fitted = statistics::propensity(treatment, views(x), kRidge);
  made.coef_ = fitted.coef;
  made.note_ = fitted.problem;
  if (!fitted.problem.empty()) made.covariates_.reset();
  return made;
}

std::vector<std::vector<double>> ArmShares::of(const store::Store& store, const std::vector<std::int64_t>& patients) const {
  std::vector<std::vector<double>> out(patients.size(), shares_);
  if (!covariates_) return out;
  const std::vector<std::vector<double>> x = covariates_->values(store, patients);
  statistics::Propensity fitted;
  fitted.coef = coef_;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    std::vector<double> row;
    for (const std::vector<double>& column : x) row.push_back(column[i]);
    const std::vector<double> probability = fitted.probabilities(row);
    out[i].assign(shares_.size(), 0);
    for (std::size_t a = 0; a < present_.size(); ++a) out[i][static_cast<std::size_t>(present_[a])] = probability[a];
  }
  return out;
}

std::string ArmShares::json() const {
  return Json{
      {"covariates", covariates_ ? Json::parse(covariates_->json()) : Json()}, {"coef", coef_}, {"present", present_}, {"shares", shares_}, {"note", note_}}
      .dump();
}

ArmShares ArmShares::from_json(const std::string& text) {
  const Json json = Json::parse(text);
  ArmShares made;
  if (!json.at("covariates").is_null()) made.covariates_ = Covariates::from_json(json.at("covariates").dump());
  made.coef_ = json.at("coef").get<std::vector<std::vector<double>>>();
  made.present_ = json.at("present").get<std::vector<int>>();
  made.shares_ = json.at("shares").get<std::vector<double>>();
  made.note_ = json.at("note");
  return made;
}

}  // namespace hepar::validation
