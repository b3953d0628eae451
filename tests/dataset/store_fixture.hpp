// SPDX-License-Identifier: Apache-2.0
// A small store with every kind of input, written by the store's own writer.
#pragma once

#include "data/base/random.hpp"
#include "sharding/store/store.hpp"
#include "sharding/store/writer.hpp"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::dataset {

struct Cohort {
  int patients = 40;
  double age_shift = 0;      // added to the age of patients `from` … 
  int from = 40;
};

template <typename T>
std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline std::string key_of(int p) { return "P" + std::to_string(1000 + p); }

inline store::Store write_store(const std::filesystem::path& folder, const Cohort& cohort) {
  store::Tables tables;
  ColumnSpec age{.name = "age"}, afp{.name = "afp"}, mvi{.name = "mvi"}, flag{.name = "cirrhosis"};
  afp.log1p = true, afp.keep_limits = true;
  mvi.type = ColumnType::category, mvi.values = {"M0", "M1", "M2"};
  flag.type = ColumnType::flag;
  tables.columns = {age, afp, mvi, flag};
  const std::vector<store::StoredModality> modalities{
      {"clinical", {Kind::vector, DType::float32, {}, "", ""}, {}, {"age", "afp", "mvi", "cirrhosis"}},
      {"slide", {Kind::bag, DType::float16, {5}, "tile feature", "test"}, {}, {}},
      {"ct", {Kind::volume, DType::float16, {2, 2, 3, 4}, "HU", ""}, {}, {}},
      {"report", {Kind::sequence, DType::int32, {}, "lexicon id", ""}, {}, {}}};
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  store::StoreWriter writer(folder, modalities, tables);
  for (int p = 0; p < cohort.patients; ++p) {
    Stream random({5, static_cast<std::uint64_t>(p)});
    store::PatientRow row;
    row.key = row.id = key_of(p), row.centre = p % 2 == 0 ? "A" : "B";
    const auto known = [](double value) { return Cell{value, Cell::State::known}; };
    row.cells = {known(50 + 10 * random.normal() + (p >= cohort.from ? cohort.age_shift : 0)), known(std::floor(std::exp(3 + random.normal()))),
                 known(static_cast<double>(p % 3)), known(p % 4 == 0 ? 1 : 0)};
    if (p % 10 == 3) row.cells[1] = Cell{};
    if (p % 10 == 4) row.cells[1] = {60500, Cell::State::above_limit};
    if (p % 10 == 5) row.cells[2] = Cell{};
    Feature bag, volume, text;
    if (p % 5 != 1) {
      std::vector<std::uint16_t> values;
      bag.reason = Reason::present, bag.items = 3 + p % 7;
      for (std::int64_t i = 0; i < bag.items * 5; ++i) values.push_back(to_half(static_cast<float>(static_cast<double>(i % 5) + 0.1 * static_cast<double>(i % 5 + 1) * random.normal())));
      bag.values = bytes_of_values(values);
      bag.coords.resize(static_cast<std::size_t>(bag.items));
    }
    if (p % 6 != 2) {
      std::vector<std::uint16_t> values;
      for (int i = 0; i < 48; ++i) values.push_back(to_half(static_cast<float>((i < 24 ? 60 : 100) + 20 * random.normal())));
      volume.reason = Reason::present, volume.items = 1, volume.values = bytes_of_values(values);
      volume.phase_present = {1, static_cast<std::uint8_t>(p % 4 == 0 ? 0 : 1)};
    }
    if (p % 7 != 3) {
      std::vector<std::int32_t> ids;
      for (int i = 0; i < 4 + p % 5; ++i) ids.push_back(static_cast<std::int32_t>(random.below(300)));
      text.reason = Reason::present, text.items = static_cast<std::int64_t>(ids.size()), text.values = bytes_of_values(ids);
    }
    writer.add(row, {bag, volume, text});
  }
  writer.finish(16);
  return store::Store::open(folder);
}

}  // namespace hepar::dataset
