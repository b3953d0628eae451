// SPDX-License-Identifier: Apache-2.0
// A cohort folder on disk for one test, removed with it.
#pragma once

#include "data/base/error.hpp"
#include "data/cohort/cohort.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

namespace hepar::test {

// Columns that the tests share; line 3 is the first column.
inline constexpr std::string_view kColumns = R"(columns:
  age: {type: number, unit: years, range: [0, 120], known: pre_op}
  afp: {type: number, unit: ng/mL, known: pre_op, transform: log1p, range: [0, 1000000], limits: keep, missing: ["", NA, 未查], units_by_centre: {B: mg/L}}
  mvi: {type: category, values: [M0, M1, M2], known: post_op}
  cirrhosis: {type: flag, known: day 3}
)";

class Folder {
 public:
  Folder() {
    static std::atomic<int> count{0};
    root_ = std::filesystem::temp_directory_path() /
            ("hepar-cohort-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(root_);
    write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,12.5,M0,0\nP2,B,60,3,M1,1\n");
    yaml("");
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(root_); }

  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  // cohort.yaml of the shared columns and `rest`; `top` stands before them.
  void yaml(std::string_view rest, std::string_view top = "") const {
    write("cohort.yaml", "schema: hepar-cohort/1\npatients: patients.csv\n" + std::string(kColumns) + std::string(top) +
                             std::string(rest));
  }
  [[nodiscard]] Cohort read() const { return read_cohort(root_ / "cohort.yaml"); }
  [[nodiscard]] const std::filesystem::path& path() const { return root_; }

 private:
  std::filesystem::path root_;
};

// The error that an action ends with; fails the test when it ends without one.
inline Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ExitCode::done, "no error");
}

inline void expect_error(const std::function<void()>& action, ExitCode code, std::string_view part,
                         std::string_view also = "") {
  const Error error = error_of(action);
  const std::string text = error.what();
  EXPECT_EQ(error.code(), code) << text;
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
  EXPECT_NE(text.find(also), std::string::npos) << text << "\nlacks: " << also;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

}  // namespace hepar::test
