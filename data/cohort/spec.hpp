// SPDX-License-Identifier: Apache-2.0
// cohort.yaml as values: what the tables are called, what their columns mean, who is eligible, what is predicted.
#pragma once

#include "data/base/error.hpp"
#include "data/cohort/feature.hpp"
#include "data/cohort/radiomics_settings.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

// When a value is known, in days after surgery: pre_op is before 0, post_op is once pathology is there (before any
// adjuvant start), `day N` is N.
struct KnownAt {
  static constexpr double kPreOp = -1;
  static constexpr double kPostOp = 0;
  double day = kPreOp;
  [[nodiscard]] std::string text() const;
};

enum class ColumnType : std::uint8_t { number, category, flag };  // what each means: column_kinds.hpp

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::number;
  std::string unit;
  double low = -std::numeric_limits<double>::infinity();   // range; outside: counted query, value becomes missing
  double high = std::numeric_limits<double>::infinity();
  KnownAt known;
  bool log1p = false;                                      // transform
  std::vector<std::string> missing = {"", "NA"};           // spellings of missing, compared after trimming
  bool keep_limits = false;                                // '>60500' kept with a limit flag
  std::map<std::string, std::string> units_by_centre;
  double molar_mass = 0;                                   // g/mol; 0: not declared, mass and molar units do not convert
  std::vector<std::string> values;                         // categories in declared order
  std::vector<std::string> from = {"table"};               // in order: "table", "report.mvi", "radiomics.<tag>", …
  bool conflict_is_query = false;
  std::string image, mask;                                 // of radiomics columns
  std::map<std::string, std::string> recode;               // spelling in the table -> declared value ("MALE" -> "male")
  std::string source_column;                               // header name in the table when it differs from `name`
  Place place;
};

// How a slide's tiles are laid (a true um grid, or CLAM's in level-0 pixels) and made smaller (exact area means, or averages in
// the DCT domain of JPEG tiles, faster and not bit-identical).
enum class Tiling : std::uint8_t { um, clam };
enum class Resample : std::uint8_t { area, dct };

struct ModalitySpec {
  std::string name;
  Kind kind = Kind::vector;
  std::string source;                      // "imaging", "slides", "reports"; vectors: ""
  std::vector<std::string> columns;        // vectors
  std::string timing = "pre_op";           // volumes: pre_op | post_op
  std::vector<std::string> phases;         // volumes
  std::array<int, 3> grid{32, 32, 16};     // x, y, z voxels
  std::array<double, 3> spacing_mm{5, 5, 5};
  double um_per_pixel = 0.5;               // bags
  int tile = 256;
  std::string encoder = "builtin";
  Tiling tiling = Tiling::um;
  Resample resample = Resample::area;
  KnownAt known;                           // slides and reports: post_op; imaging: its timing; vectors: per column
  Place place;
};

enum class Stage : std::uint8_t { enrolment, analysis };
enum class OnUnknown : std::uint8_t { exclude, include, query };

struct RuleSpec {
  std::string id, text, require;
  OnUnknown on_unknown = OnUnknown::exclude;
  Stage stage = Stage::enrolment;
  Place place;
};

struct EndpointSpec {
  std::string name;
  bool recurrence_is_event = false, death_is_event = false, death_competes = false;
  double horizon_months = 60;
  // Direct form: time and event columns of the patients table; then the three flags above are false.
  std::string time_column, event_column, unit;
  [[nodiscard]] bool direct() const { return !time_column.empty(); }
  std::string note;   // e.g. "DFS is RFS here and reported once"
  Place place;
};

struct StrategySpec {
  double window_low_day = 14, window_high_day = 90;
  std::vector<std::string> arms;  // empty when cohort.yaml has no strategies: one arm named "all"
  [[nodiscard]] bool single() const { return arms.empty(); }
  [[nodiscard]] std::vector<std::string> arm_names() const;  // {"all"} when single
};

struct CohortSpec {
  std::filesystem::path path;    // of cohort.yaml; table paths are relative to its folder
  std::filesystem::path patients, imaging, slides, reports, treatments, follow_up;  // absolute; empty: not given
  std::string dates = "iso";
  std::vector<ColumnSpec> columns;
  std::vector<ModalitySpec> modalities;
  std::vector<RuleSpec> eligibility;
  std::vector<EndpointSpec> endpoints;
  StrategySpec strategies;
  // Other readings of the protocol: name -> the rules that replace or join those of `eligibility` (by id).
  std::map<std::string, std::vector<RuleSpec>> readings;
  RadiomicsSettings radiomics;   // of the columns from radiomics.<tag> and change.<tag>
  bool pseudonymise = false;
  std::filesystem::path key_file;

  [[nodiscard]] const ColumnSpec* column(std::string_view name) const;
  [[nodiscard]] const ModalitySpec* modality(std::string_view name) const;
  [[nodiscard]] const EndpointSpec* endpoint(std::string_view name) const;
};

// The rules under another reading of the protocol: its rules replace those with the same id and follow the others.
// "" gives those of `eligibility`; usage_error with the nearest name for a reading that is not declared.
[[nodiscard]] std::vector<RuleSpec> rules_of_reading(const CohortSpec& spec, const std::string& reading);

// Throws usage_error with file:line and the nearest known name.
// `path` is the YAML, or a folder that holds a cohort.yaml.
[[nodiscard]] CohortSpec read_cohort_spec(const std::filesystem::path& path);

}  // namespace hepar
