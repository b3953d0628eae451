// SPDX-License-Identifier: Apache-2.0
// `hepar stats`: evaluates a list of statistics on CSV files (reference: clinical.md, section 10).
#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/output_file.hpp"
#include "trainer/statistics/request.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;
using statistics::Numbers;

// A CSV whose columns are read as numbers when they are first asked for; an empty field is missing (NaN).
class Data {
 public:
  explicit Data(const fs::path& path) : table_(Table::read(path)) {}
  [[nodiscard]] std::size_t rows() const { return table_.rows(); }
  [[nodiscard]] const Numbers& column(const std::string& name) {
    if (const auto found = columns_.find(name); found != columns_.end()) return found->second;
    const std::size_t c = table_.require(name);
    Numbers values;
    for (std::size_t r = 0; r < table_.rows(); ++r) {
      const std::string& text = table_.at(r, c);
      const std::optional<double> number = parse_number(text);
      if (!number && !text.empty()) throw input_error("column '" + name + "' holds '" + text + "', which is no number", table_.place(r), "a missing value is an empty field");
      values.push_back(number ? *number : std::nan(""));
    }
    return columns_.emplace(name, std::move(values)).first->second;
  }
  // A column of follow-up times: a negative one is an error of the data, never an early event.
  void require_times(const std::string& name) {
    const Numbers& times = column(name);
    const auto wrong = std::find_if(times.begin(), times.end(), [](double time) { return time < 0; });
    if (wrong == times.end()) return;
    const auto row = static_cast<std::size_t>(wrong - times.begin());
    throw input_error("the time '" + name + "' is negative: " + table_.at(row, table_.require(name)), table_.place(row), "times count from the origin; correct the row or leave it out");
  }

 private:
  Table table_;
  std::map<std::string, Numbers> columns_;
};

class Evaluator {
 public:
  explicit Evaluator(fs::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] statistics::Result evaluate(const Json& entry) {
    if (!entry.is_object()) throw usage_error("the entry is no JSON object");
    const std::string method = text_of(entry, "method");
    return statistics::evaluate(method, request_of(entry));
  }

 private:
  static std::string text_of(const Json& object, const char* name) {
    if (!object.is_object() || !object.contains(name) || !object.at(name).is_string()) throw usage_error("'" + std::string(name) + "' is missing or no text");
    return object.at(name).get<std::string>();
  }

  Data& data(const std::string& name) {
    const auto found = data_.find(name);
    return found != data_.end() ? found->second : data_.emplace(name, Data(folder_ / name)).first->second;
  }

  static statistics::Option option_of(const std::string& name, const Json& value) {
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) return value.get<std::string>();
    const auto numbers = [](const Json& list) { return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& v) { return v.is_number(); }); };
    if (numbers(value)) return value.get<Numbers>();
    if (value.is_array() && std::all_of(value.begin(), value.end(), numbers)) return value.get<statistics::NumberRows>();
    throw usage_error("option '" + name + "' is neither a number, a text nor a list of numbers");
  }

  // Column names a role: a text, or a list of them.
  static std::map<std::string, std::vector<std::string>> roles_of(const Json& entry) {
    std::map<std::string, std::vector<std::string>> roles;
    if (!entry.contains("columns") || entry.at("columns").is_null()) return roles;
    if (!entry.at("columns").is_object()) throw usage_error("'columns' is no JSON object");
    for (const auto& [role, value] : entry.at("columns").items()) {
      for (const Json& name : value.is_array() ? value : Json::array({value})) {
        if (!name.is_string()) throw usage_error("column role '" + role + "' names no column");
        roles[role].push_back(name.get<std::string>());
      }
    }
    return roles;
  }

  // Rows that lack a value in any named column are left out; a missing start of treatment means never treated.
  void take_columns(const Json& entry, statistics::Request& request) {
    const auto roles = roles_of(entry);
    if (roles.empty()) return;
    Data& table = data(text_of(entry, "data"));
    if (const auto time = roles.find("time"); time != roles.end())
      for (const std::string& name : time->second) table.require_times(name);
    std::vector<std::size_t> complete;
    for (std::size_t r = 0; r < table.rows(); ++r) {
      const bool whole = std::all_of(roles.begin(), roles.end(), [&](const auto& role) {
        return role.first == "trt_time" || std::none_of(role.second.begin(), role.second.end(), [&](const std::string& name) { return std::isnan(table.column(name)[r]); });
      });
      if (whole) complete.push_back(r);
    }
    for (const auto& [role, names] : roles)
      for (const std::string& name : names) request.roles[role].push_back(statistics::select(table.column(name), complete));
    request.rows = complete.size();
  }

  statistics::Request request_of(const Json& entry) {
    statistics::Request request;
    take_columns(entry, request);
    if (!entry.contains("options") || entry.at("options").is_null()) return request;
    if (!entry.at("options").is_object()) throw usage_error("'options' is no JSON object");
    for (const auto& [name, value] : entry.at("options").items()) {
      if (name == "train") {
        request.train = train_of(value);
      } else if (!value.is_null()) {
        request.options.emplace(name, option_of(name, value));
      }
    }
    return request;
  }

  statistics::OutcomeTable train_of(const Json& value) {
    statistics::Request training;
    take_columns({{"data", text_of(value, "data")}, {"columns", {{"time", text_of(value, "time")}, {"event", text_of(value, "event")}}}}, training);
    if (training.rows == 0) throw input_error("option 'train' has no complete rows");
    return training.outcomes();
  }

  fs::path folder_;
  std::map<std::string, Data> data_;
};

// NaN and infinity become null.
Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json numbers_json(const Numbers& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(number_json(value));
  return out;
}

struct FieldJson {
  Json operator()(double value) const { return number_json(value); }
  Json operator()(const Numbers& values) const { return numbers_json(values); }
  Json operator()(const statistics::NumberRows& rows) const {
    Json out = Json::array();
    for (const Numbers& row : rows) out.push_back(numbers_json(row));
    return out;
  }
  Json operator()(const std::vector<std::pair<std::string, Numbers>>& named) const {
    Json out = Json::object();
    for (const auto& [name, values] : named) out[name] = numbers_json(values);
    return out;
  }
};

Json read_spec(const fs::path& path) {
  if (!fs::exists(path)) throw usage_error("does not exist", {path.string()}, "check --spec");
  Json spec = Json::parse(read_file(path), nullptr, false);
  if (!spec.is_array()) throw usage_error("is no JSON list of statistics", {path.string()}, "see the reference of hepar stats");
  return spec;
}

class Stats : public Command {
 public:
  std::string_view name() const override { return "stats"; }
  std::string_view summary() const override { return "evaluate listed survival and causal statistics on CSV files"; }
  std::string_view example() const override { return "hepar stats --spec spec.json --data data --out result.json"; }
  std::vector<Row> rows() override {
    return {required(row("spec", spec_, "JSON list of {id, method, data, columns, options}")), required(row("data", data_, "folder of the CSV files")), required(row("out", out_, "JSON list of {id, value} or {id, error}"))};
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    std::int64_t failed = 0;
    mpi::together(context.world, [&] {
      if (context.world.root()) failed = evaluate_all();
    });
    return failed > 0 ? ExitCode::input : ExitCode::done;
  }

 private:
  std::int64_t evaluate_all() {
    check_output(out_, {"values of hepar stats", [](std::string_view beginning) { return beginning.starts_with("[\n {\n  \"id\":") || beginning == "[]\n"; }});
    const Json spec = read_spec(spec_);
    Evaluator evaluator(data_);
    Json out = Json::array();
    std::int64_t failed = 0;
    for (std::size_t i = 0; i < spec.size(); ++i) {
      const Json& entry = spec[i];
      const Json id = entry.is_object() && entry.contains("id") ? entry.at("id") : Json(i);
      try {
        Json value = Json::object();
        for (const auto& [field, content] : evaluator.evaluate(entry)) value[field] = std::visit(FieldJson{}, content);
        out.push_back({{"id", id}, {"value", value}});
      } catch (const std::exception& error) {  // one bad entry never hides the others
        out.push_back({{"id", id}, {"error", error.what()}});
        ++failed;
      }
    }
    publish(out_, out.dump(1) + "\n");
    fmt::print("{} of {} evaluated: {}\n", spec.size() - static_cast<std::size_t>(failed), spec.size(), out_);
    if (failed > 0) fmt::print("{} could not be evaluated; each says why\n", failed);
    return failed;
  }

  std::string spec_, data_, out_;
};

}  // namespace

std::unique_ptr<Command> make_stats_command() { return std::make_unique<Stats>(); }

}  // namespace hepar::program
