// SPDX-License-Identifier: Apache-2.0
// The raw files of one patient, as a hospital hands them over. Internal to the room; every function is pure in (seed, number).
#pragma once

#include "data/synthetic/person.hpp"

#include <string>
#include <vector>

namespace hepar::synthetic {

[[nodiscard]] std::string surgery_date(const Options& options, const Person& person);  // YYYY-MM-DD
[[nodiscard]] std::string date_after_surgery(const Options& options, const Person& person, long days);

// Rows of imaging.csv (patient_id, path, timing, phase, study_date, mask) and the files that they name.
[[nodiscard]] std::vector<std::vector<std::string>> raw_image_rows(const Options& options, const Person& person);
void write_raw_scans(const Options& options, const Centre& centre, const Person& person);

// Rows of slides.csv (patient_id, path, stain, um_per_pixel) and the files that they name.
[[nodiscard]] std::vector<std::vector<std::string>> raw_slide_rows(const Options& options, const Person& person);
void write_raw_slides(const Options& options, const Centre& centre, const Person& person);

// The pathology department's letter, in the encoding of the centre's export.
[[nodiscard]] std::string report_letter(const Options& options, const Centre& centre, const Person& person);

// UTF-8 as GB18030, as many a hospital's system writes it.
[[nodiscard]] std::string gb18030(const std::string& utf8);

}  // namespace hepar::synthetic
