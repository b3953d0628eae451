// SPDX-License-Identifier: Apache-2.0
// A feature: what one modality says about one patient, or why it says nothing (law 4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

enum class Kind : std::uint8_t { vector, bag, volume, sequence };
[[nodiscard]] std::string_view name_of(Kind kind);

enum class DType : std::uint8_t { float16, float32, int32 };
[[nodiscard]] std::size_t bytes_of(DType type);
[[nodiscard]] std::string_view name_of(DType type);  // "float16", …

// Why a modality is absent. The numbers are stored; new reasons go to the end. `name_of` gives the stable text that
// store.json, failures.csv and reports use ("not_recorded", …).
enum class Reason : std::uint8_t {
  present = 0,
  not_recorded,     // the cohort has no row for this patient
  missing_file,     // the row names a file that is not there
  unreadable,       // the file cannot be decoded
  unsupported,      // a format or encoding that no reader takes
  too_few,          // no tiles, slices or words left
  no_scale,         // no usable um/px or mm
  odd_shape,        // dimensions do not fit the modality
  missing_phase,    // none of the declared phases
  not_finite,       // NaN or infinity in the values
  query,            // conflicting sources, waits for an answer
};
[[nodiscard]] std::string_view name_of(Reason reason);
[[nodiscard]] std::vector<std::string> reason_names();  // in code order

// The fixed layout of a modality in a store, the same for every patient.
struct Layout {
  Kind kind = Kind::bag;
  DType type = DType::float16;
  std::vector<std::int64_t> item;  // shape of one item: {dim} of a bag, {phases, z, y, x} of a volume, {} of a sequence
  std::string unit;                // "HU", "tile feature", "lexicon id", …
  std::string meaning;             // e.g. the encoder's name or the lexicon's version
  [[nodiscard]] std::int64_t values_per_item() const;
};

// One patient's values in a layout. Bags and sequences have any number of items, a volume has one.
struct Feature {
  Reason reason = Reason::not_recorded;
  std::string detail;                 // for failures.csv: what and which file (by its index, never a path)
  std::int64_t items = 0;
  std::vector<std::byte> values;      // items x layout.item, row-major, little-endian; empty unless present
  std::vector<std::array<std::int32_t, 3>> coords;  // bags: slide index, x, y at level 0, one an item
  std::array<double, 12> affine{};    // volumes: rows of the 3x4 matrix from voxel (x,y,z) to LPS mm
  std::vector<std::uint8_t> phase_present;          // volumes: one a phase

  [[nodiscard]] bool present() const { return reason == Reason::present; }
};

// What extraction found besides the values: "slide.tissue_mm2", "report.mvi", "ct.readable". A fact has a state of its
// own: unknown is never a value.
struct Fact {
  enum class State : std::uint8_t { known = 0, unknown, conflict };
  State state = State::unknown;
  std::string text;      // the value as text: number, category name, "true"/"false"
  std::string source;    // rule or reader that gave it
  double confidence = 1;
};
using Facts = std::map<std::string, Fact, std::less<>>;

// float <-> IEEE half, round to nearest even; used by readers and tests (bulk conversion uses F16C where there).
[[nodiscard]] std::uint16_t to_half(float value);
[[nodiscard]] float from_half(std::uint16_t bits);

}  // namespace hepar
