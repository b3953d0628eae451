// SPDX-License-Identifier: Apache-2.0
// A table-only store of several centres, made in memory, for tests of fold plans.
#pragma once

#include "sharding/store/writer.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <unistd.h>

namespace hepar::validation::testing {

class StoreFolder {
 public:
  // patients_of[k] patients in centre "C<k+1>" or names[k]; every `event_every`-th patient has the event. `change` may
  // change the row of a patient, given its number.
  explicit StoreFolder(const std::vector<int>& patients_of, int event_every = 2, const std::vector<std::string>& names = {},
                       const std::vector<std::string>& arms = {"surgery", "tace"}, const std::function<void(int, store::PatientRow&)>& change = {}) {
    static int made = 0;
    path_ = std::filesystem::temp_directory_path() / ("hepar-validation-" + std::to_string(::getpid()) + "-" + std::to_string(made++));
    std::filesystem::create_directories(path_);
    store::Tables tables;
    ColumnSpec size;
    size.name = "size";
    EndpointSpec os;
    os.name = "os";
    os.time_column = "months";
    os.event_column = "event";
    os.unit = "months";
    os.horizon_months = 60;
    tables.columns = {size};
    tables.endpoints = {os};
    tables.strategies.arms = arms;
    store::StoreWriter writer(path_, {{"clinical", {Kind::vector, DType::float32, {1}, "", ""}, {}, {"size"}}}, tables);
    int number = 0;
    for (std::size_t c = 0; c < patients_of.size(); ++c)
      for (int i = 0; i < patients_of[c]; ++i, ++number) {
        store::PatientRow row;
        row.key = row.id = std::string("P").append(std::to_string(1000 + number));
        row.centre = names.empty() ? std::string("C").append(std::to_string(c + 1)) : names.at(c);
        row.cells = {{static_cast<double>(number % 7), Cell::State::known}};
        row.outcomes = {{true, 1.0 + number % 50, number % event_every == 0 ? 1 : 0}};
        row.assignment.arm = number % 3 == 0 ? 1 : 0;
        if (change) change(number, row);
        writer.add(row, {});
      }
    writer.finish();
  }
  StoreFolder(const StoreFolder&) = delete;
  ~StoreFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] store::Store open() const { return store::Store::open(path_); }

 private:
  std::filesystem::path path_;
};

}  // namespace hepar::validation::testing
