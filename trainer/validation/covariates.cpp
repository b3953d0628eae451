// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/covariates.hpp"

#include "data/cohort/column_kinds.hpp"
#include "trainer/validation/fold_plan.hpp"

#include <algorithm>
#include <cmath>

namespace hepar::validation {

namespace {

using Json = nlohmann::ordered_json;

std::size_t column_index(const ClinicalRows& rows, const std::string& name) {
  for (std::size_t c = 0; c < rows.columns->size(); ++c)
    if ((*rows.columns)[c].name == name) return c;
  throw store_error("has no column '" + name + "'", {rows.place}, "the model was trained on a store that has it");
}

std::vector<statistics::Values> views(const std::vector<std::vector<double>>& columns) { return {columns.begin(), columns.end()}; }

constexpr double kRidge = 1.0;
constexpr std::int64_t kLeastOfAnArm = 5;  // patients of the training fold; with fewer an arm is not estimable

}  // namespace

double Covariates::term(const Term& term, const Cell& cell) const {
  if (term.part == Part::missing) return cell.usable() ? 0 : 1;
  if (term.part == Part::category) return cell.usable() ? (static_cast<int>(cell.value) == term.value ? 1 : 0) : term.fill;
  if (!cell.usable()) return term.fill;
  return term.log1p ? std::log1p(std::max(cell.value, 0.0)) : cell.value;
}

ClinicalRows rows_of(const store::Store& store, const std::vector<std::int64_t>& patients) {
  ClinicalRows rows{&store.columns(), {}, keys_of(store, patients), store.path().string()};
  for (const std::int64_t p : patients) rows.cells.push_back(&store.row(p).cells);
  return rows;
}

Covariates Covariates::fit(const ClinicalRows& rows, const std::vector<std::string>& columns) {
  Covariates made;
  made.fitted_on_ = rows.keys;
  for (const std::string& name : columns) {
    const std::size_t c = column_index(rows, name);
    const ColumnSpec& spec = (*rows.columns)[c];
    std::int64_t missing = 0;
    for (const auto* cells : rows.cells) missing += (*cells)[c].usable() ? 0 : 1;
    std::vector<std::pair<Term, std::string>> candidates;
    if (kind_of(spec).levels) {
      for (std::size_t v = 1; v < spec.values.size(); ++v)
        candidates.push_back({{name, Part::category, false, 0, static_cast<int>(v)}, name + "=" + spec.values[v]});
    } else {
      candidates.push_back({{name, Part::number, spec.log1p, 0, 0}, name});
    }
    if (missing > 0) candidates.push_back({{name, Part::missing, false, 0, 0}, name + " missing"});
    for (auto& [term, label] : candidates) {
      double sum = 0, squares = 0;
      std::int64_t n = 0;
      for (const auto* cells : rows.cells) {
        const Cell& cell = (*cells)[c];
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

std::vector<std::vector<double>> Covariates::values(const ClinicalRows& rows) const {
  std::vector<std::vector<double>> columns;
  for (const Term& one : terms_) {
    const std::size_t c = column_index(rows, one.column);
    std::vector<double> values;
    for (const auto* cells : rows.cells) values.push_back(term(one, (*cells)[c]));
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

Json strategy_json(const Strategy& strategy) {
  Json json{{"name", strategy.name}, {"patients", strategy.patients}};
  if (!strategy.not_estimable.empty()) json["not_estimable"] = strategy.not_estimable;
  return json;
}

Strategy strategy_from(const Json& json) { return {json.at("name"), json.at("patients"), json.value("not_estimable", "")}; }

ArmShares ArmShares::fit(const store::Store& store, const std::vector<std::string>& columns, const std::vector<std::int64_t>& patients) {
  ArmShares made;
  for (const std::string& arm : store.strategies().arm_names()) made.strategies_.push_back({arm, 0, {}});
  std::vector<std::int64_t> known;
  for (const std::int64_t p : patients) {
    const int arm = store.row(p).assignment.arm;
    if (arm < 0) continue;
    known.push_back(p);
    ++made.strategies_.at(static_cast<std::size_t>(arm)).patients;
  }
  made.fitted_on_ = keys_of(store, known);
  made.judge_arms();
  if (made.estimable_.size() < 2) return made;
  std::vector<std::int64_t> rows;
  std::vector<int> treatment;
  for (const std::int64_t p : known) {
    const auto found = std::find(made.estimable_.begin(), made.estimable_.end(), static_cast<std::size_t>(store.row(p).assignment.arm));
    if (found == made.estimable_.end()) continue;
    rows.push_back(p);
    treatment.push_back(static_cast<int>(found - made.estimable_.begin()));
  }
  made.covariates_ = Covariates::fit(store, columns, rows);
  const std::vector<std::vector<double>> x = made.covariates_->values(store, rows);
  const statistics::Propensity fitted = statistics::propensity(treatment, views(x), kRidge);
  made.coef_ = fitted.coef;
  if (!fitted.problem.empty()) {
    made.covariates_.reset();
    made.note_ = fitted.problem + ": everybody has the shares of the training fold";
  }
  return made;
}

// Which arms the training fold can speak for, and their shares before any covariate.
void ArmShares::judge_arms() {
  const bool one = strategies_.size() == 1;  // `all`: there is nothing to choose
  std::int64_t total = 0;
  for (std::size_t a = 0; a < strategies_.size(); ++a) {
    Strategy& strategy = strategies_[a];
    if (one || strategy.patients >= kLeastOfAnArm) {
      estimable_.push_back(a);
      total += strategy.patients;
    } else {
      strategy.not_estimable = std::to_string(strategy.patients) + " patients of the training fold received it, fewer than " + std::to_string(kLeastOfAnArm);
    }
  }
  shares_.assign(strategies_.size(), 0);
  if (estimable_.empty()) {
    shares_[0] = 1;
    note_ = "no strategy has " + std::to_string(kLeastOfAnArm) + " patients in the training fold: the mixture is the model's curve of its first strategy";
    return;
  }
  for (const std::size_t a : estimable_) shares_[a] = one ? 1 : static_cast<double>(strategies_[a].patients) / static_cast<double>(total);
  if (!one && estimable_.size() == 1) note_ = "only " + strategies_[estimable_.front()].name + " has " + std::to_string(kLeastOfAnArm) + " patients in the training fold: it is the whole mixture";
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
    for (std::size_t a = 0; a < estimable_.size(); ++a) out[i][estimable_[a]] = probability[a];
  }
  return out;
}

std::string ArmShares::json() const {
  Json strategies = Json::array();
  for (const Strategy& strategy : strategies_) strategies.push_back(strategy_json(strategy));
  return Json{{"strategies", strategies}, {"shares", shares_}, {"covariates", covariates_ ? Json::parse(covariates_->json()) : Json()}, {"estimable", estimable_}, {"coef", coef_}, {"note", note_}}.dump();
}

ArmShares ArmShares::from_json(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    ArmShares made;
    for (const Json& strategy : json.at("strategies")) made.strategies_.push_back(strategy_from(strategy));
    made.shares_ = json.at("shares").get<std::vector<double>>();
    if (!json.at("covariates").is_null()) made.covariates_ = Covariates::from_json(json.at("covariates").dump());
    made.estimable_ = json.at("estimable").get<std::vector<std::size_t>>();
    made.coef_ = json.at("coef").get<std::vector<std::vector<double>>>();
    made.note_ = json.at("note");
    return made;
  } catch (const nlohmann::json::exception&) {
    throw store_error("the model's mixture of strategies cannot be read", {}, "run the command that trained it again, with this version");
  }
}

}  // namespace hepar::validation
