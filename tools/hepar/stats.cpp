// SPDX-License-Identifier: Apache-2.0
// `hepar stats`: evaluates a list of statistics on CSV files (reference: clinical.md, section 10).
#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "tools/hepar/command.hpp"
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

// A CSV of numbers; an empty field is missing.
struct Data {
  std::map<std::string, Numbers> columns;
  std::size_t rows = 0;
};

Data read_data(const fs::path& path) {
  const Table table = Table::read(path);
  Data data;
  data.rows = table.rows();
  for (std::size_t c = 0; c < table.header().size(); ++c) {
    Numbers& column = data.columns[table.header()[c]];
    for (std::size_t r = 0; r < table.rows(); ++r) {
      const std::string& text = table.at(r, c);
      const std::optional<double> number = parse_number(text);
      column.push_back(number ? *number : std::nan(""));
    }
  }
  return data;
}

class Evaluator {
 public:
  explicit Evaluator(fs::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] statistics::Result evaluate(const Json& entry) {
    statistics::Request request = request_of(entry);
    return statistics::evaluate(entry.at("method").get<std::string>(), request);
  }

 private:
  const Data& data(const std::string& name) {
    const auto found = data_.find(name);
    return found != data_.end() ? found->second : data_.emplace(name, read_data(folder_ / name)).first->second;
  }

  const Numbers& column(const Data& data, const std::string& name, const std::string& file) {
    const auto found = data.columns.find(name);
    if (found != data.columns.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [other, values] : data.columns) known.push_back(other);
    throw input_error(file + " has no column '" + name + "'", {}, name_advice(name, known));
  }

  static statistics::Option option_of(const std::string& name, const Json& value) {
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array() && !value.empty() && value.front().is_array()) return value.get<statistics::NumberRows>();
    if (value.is_array()) return value.get<Numbers>();
    throw usage_error("option '" + name + "' is neither a number, a text nor a list");
  }

  statistics::Request request_of(const Json& entry) {
    statistics::Request request;
    std::map<std::string, std::vector<std::string>> names;
    if (entry.contains("columns") && entry.at("columns").is_object())
      for (const auto& [role, value] : entry.at("columns").items()) names[role] = value.is_array() ? value.get<std::vector<std::string>>() : std::vector<std::string>{value.get<std::string>()};
    if (entry.contains("data") && entry.at("data").is_string()) {
      const std::string file = entry.at("data");
      const Data& table = data(file);
      std::vector<std::size_t> complete;
      for (std::size_t r = 0; r < table.rows; ++r) {
        bool whole = true;
        for (const auto& [role, columns] : names)
          for (const std::string& name : columns)
            if (role != "trt_time" && std::isnan(column(table, name, file)[r])) whole = false;
        if (whole) complete.push_back(r);
      }
      for (const auto& [role, columns] : names)
        for (const std::string& name : columns) request.roles[role].push_back(statistics::select(column(table, name, file), complete));
      request.rows = complete.size();
    }
    if (entry.contains("options") && entry.at("options").is_object())
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
    const std::string file = value.at("data");
    const Data& table = data(file);
    const Numbers &time = column(table, value.at("time"), file), &event = column(table, value.at("event"), file);
    statistics::OutcomeTable outcomes;
    for (std::size_t r = 0; r < table.rows; ++r) {
      if (std::isnan(time[r]) || std::isnan(event[r])) continue;
      outcomes.time.push_back(time[r]);
      outcomes.event.push_back(static_cast<int>(event[r]));
    }
    return outcomes;
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
