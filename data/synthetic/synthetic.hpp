// SPDX-License-Identifier: Apache-2.0
// A synthetic multicentre cohort of resected HCC in Hepar's import formats, with its truth kept apart. Every patient is a
// pure function of (seed, number), so ranks can write patients in any order. Effect sizes: clinical.md section 8.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hepar::synthetic {

inline constexpr std::size_t kArms = 4;           // surgery, tace, tace_systemic, systemic
inline constexpr std::size_t kLatents = 6;        // 0-1 seen in CT, 2-4 in slides (4 in a minority of tiles), 5 in reports
inline constexpr std::size_t kTileWidth = 384;
inline constexpr std::array<int, 3> kGrid{32, 32, 16};
extern const std::array<const char*, kArms> kArmNames;

struct Options {
  std::filesystem::path out;
  std::int64_t patients = 150, centres = 3;
  std::uint64_t seed = 1;
  bool features = true;                  // false: tables only
  std::string effect = "clinical";       // who gains from TACE: those with MVI (clinical), by a slide latent (latent), none
  bool shuffle_outcomes = false;         // outcomes and treatments of another patient: nothing is left to learn
  std::int64_t raw = 0;                  // so many patients get DICOM, slides and letters; the others then have no slide
};

// What distinguishes a centre.
struct Centre {
  std::string name;
  double log_hazard = 0, referral = 0, follow_up_months = 60;
  std::array<double, 3> treatment_logit{};       // of tace, tace_systemic, systemic
  double ct_gain = 1, ct_offset = 0, ct_noise = 15;
  std::uint64_t stain = 0;
  bool afp_in_ug_l = false;
  double afp_limit = 60500;
};
[[nodiscard]] std::vector<Centre> draw_centres(const Options& options);

struct Course { double recurrence = 1e9, death = 1e9; };   // months; 1e9: never

// One patient: what is true of them.
struct Person {
  std::int64_t number = 0;
  std::string id;
  std::size_t centre = 0;
  double age = 55, size_cm = 4, log_afp = 4, log_pivka = 5, albumin = 40, bilirubin = 14;
  int sex = 1, hbsag = 1, cirrhosis = 1, multiple = 0, mvi = 0, differentiation = 1, satellite = 0, capsule = 0;
  bool prior_therapy = false, r1 = false, metastasis = false, other_histology = false;
  bool lost = false;                                       // never seen after surgery: no follow-up row
  std::array<double, kLatents> latent{}, painted{};        // painted: what the modality shows, latent + its own noise
  std::array<int, 6> report_signs{};                       // ordinal signs of latent 5 in the report
  bool has_ct = true, has_slide = true, has_report = true;
  bool raw = false;                                        // files as a hospital has them (see choose_raw)
  std::int64_t tiles = 200;
  double clinical_log_hazard = 0, log_hazard = 0;          // of recurrence under surgery alone
  std::array<double, kArms> arm_probability{}, start_day{}, log_effect{};
  std::array<Course, kArms> potential{};
  std::size_t intended_arm = 0;
  double censored = 60, recurrence_free_seen = 60;         // months
};
[[nodiscard]] Person draw_person(const Options& options, const std::vector<Centre>& centres, std::int64_t number);

// Marks the `options.raw` patients that get raw files, spread over the centres by a keyed order. Where there are any, the
// others have no slide: tile features of two encoders must not stand in one bag.
void choose_raw(const Options& options, std::vector<Person>& people);

// Risks by the truth at a horizon: P(event by then) under an arm; endpoint 0 rfs, 1 recurrence, 2 os.
[[nodiscard]] double true_risk(const Person& person, std::size_t arm, std::size_t endpoint, double months, double log_hazard);
// The log hazard that the best possible reader of the features would use: clinical part + posterior means of the latents.
[[nodiscard]] double readable_log_hazard(const Person& person);

// Files of one patient below options.out, in the folders imaging/, slides/ and reports/; local, any rank.
void write_features(const Options& options, const std::vector<Centre>& centres, const Person& person);
// Tables, cohort.yaml and the truth folder (OUT.truth/); one rank.
void write_tables(const Options& options, const std::vector<Centre>& centres, const std::vector<Person>& people);

struct Ceiling { double oracle = 0, reader = 0, clinical = 0; };  // Harrell C of the natural risk, times cut at the horizon
[[nodiscard]] std::array<Ceiling, 3> write_truth(const Options& options, const std::vector<Centre>& centres, const std::vector<Person>& people);

}  // namespace hepar::synthetic
