// SPDX-License-Identifier: Apache-2.0
// Follow-up, treatments and the lists of files: what happened to a patient, and when.
#include "data/cohort/arms.hpp"
#include "data/cohort/table_reader.hpp"

#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace hepar {

void TableReader::check_order(const Line& line, FollowUp& seen) {
  const std::array<std::pair<const char*, std::optional<double>*>, 4> days{
      {{"recurrence_day", &seen.recurrence_day},
       {"recurrence_free_day", &seen.recurrence_free_day},
       {"death_day", &seen.death_day},
       {"last_contact_day", &seen.last_contact_day}}};
  for (const auto& [name, value] : days)
    if (*value && **value < 0)
      throw input_error("negative time " + number_text(**value) + " in '" + name + "'", line.place(),
                        "times count from surgery; correct the date or the day");
  if (!seen.last_contact_day) seen.last_contact_day = seen.death_day;
  if (!seen.last_contact_day)
    throw input_error("no last contact of patient '" + cohort_.patients[line.patient].id + "'", line.place(),
                      "give last_contact_day (or last_contact_date), or death");
  const auto drop = [&](std::optional<double>& value, const char* column, const char* problem) {
    query(line, {column, number_text(*value), problem, "dropped"});
    value.reset();
  };
  if (seen.death_day && *seen.death_day > *seen.last_contact_day)
    drop(seen.death_day, "death_day", "death after last contact");
  if (seen.death_day && *seen.last_contact_day > *seen.death_day)
    query(line, {"last_contact_day", number_text(*seen.last_contact_day), "last contact after death",
                 "death ends the observation"});
  if (seen.recurrence_day && seen.death_day && *seen.recurrence_day > *seen.death_day)
    drop(seen.recurrence_day, "recurrence_day", "recurrence after death");
  if (seen.recurrence_day && *seen.recurrence_day > *seen.last_contact_day)
    drop(seen.recurrence_day, "recurrence_day", "recurrence after last contact");
  if (seen.recurrence_day && seen.recurrence_free_day && *seen.recurrence_free_day > *seen.recurrence_day)
    drop(seen.recurrence_free_day, "recurrence_free_day", "recurrence-free after recurrence");
  for (const auto& [name, value] : days) {
    if (!*value || **value != 0) continue;
    query(line, {name, "0", "time 0", "kept as half a day"});
    *value = 0.5;
  }
}

void TableReader::follow_up() {
  each_row(spec_.follow_up, "follow_up", {"last_contact_day|last_contact_date"},
           {"recurrence_day", "recurrence_date", "recurrence_free_day", "recurrence_free_date", "death_day",
            "death_date", "recurrence_site", "cause"},
           [&](const Line& line) {
             PatientRecord& patient = cohort_.patients[line.patient];
             if (patient.has_follow_up)
               throw input_error("patient '" + patient.id + "' has two rows", line.place(), "keep one row a patient");
             patient.has_follow_up = true;
             patient.follow_up = {day(line, "recurrence"),   day(line, "recurrence_free"), day(line, "death"),
                                  day(line, "last_contact"), line.text("recurrence_site"), line.text("cause")};
             check_order(line, patient.follow_up);
           });
}

void TableReader::check_treatment(const Line& line, const Treatment& treatment) {
  static const std::vector<std::string> kKinds(kRecordedKinds.begin(), kRecordedKinds.end());
  if (std::find(kKinds.begin(), kKinds.end(), treatment.kind) == kKinds.end())
    throw input_error("'" + treatment.kind + "' is no kind of treatment", line.place(),
                      name_advice(treatment.kind, kKinds));
  if (treatment.start_day < 0)
    throw input_error("negative time " + number_text(treatment.start_day) + " in 'start_day'", line.place(),
                      "treatments here follow surgery; give earlier ones as a column of the patients table");
}

void TableReader::treatments() {
  each_row(spec_.treatments, "treatments", {"kind", "start_day|start_date"},
           {"drug", "drug_class", "stop_day", "stop_date", "finding"}, [&](const Line& line) {
             PatientRecord& patient = cohort_.patients[line.patient];
             const std::optional<double> start = day(line, "start");
             if (!start) throw input_error("a treatment has no start", line.place(), "give start_day or start_date");
             Treatment treatment{
                 line.text("kind"), line.text("drug"), line.text("drug_class"), line.text("finding"), *start,
                 day(line, "stop")};
             check_treatment(line, treatment);
             if (treatment.stop_day && *treatment.stop_day < treatment.start_day) {
               query(line, {"stop_day", number_text(*treatment.stop_day), "stop before start", "the stop is dropped"});
               treatment.stop_day.reset();
             }
             const FollowUp& seen = patient.follow_up;
             const bool after_death = seen.death_day && treatment.start_day > *seen.death_day;
             if (after_death || (seen.last_contact_day && treatment.start_day > *seen.last_contact_day)) {
               query(line, {"start_day", number_text(treatment.start_day),
                            after_death ? "treatment after death" : "treatment after last contact", "dropped"});
               return;
             }
             patient.treatments.push_back(std::move(treatment));
           });
  for (PatientRecord& patient : cohort_.patients)
    std::sort(patient.treatments.begin(), patient.treatments.end(), [](const Treatment& a, const Treatment& b) {
      return std::tie(a.start_day, a.kind, a.drug, a.drug_class, a.stop_day, a.finding) <
             std::tie(b.start_day, b.kind, b.drug, b.drug_class, b.stop_day, b.finding);
    });
}

void TableReader::imaging() {
  each_row(spec_.imaging, "imaging", {"path", "timing"}, {"study_day", "study_date", "phase", "mask"},
           [&](const Line& line) {
             PatientRecord& patient = cohort_.patients[line.patient];
             ImagingRow image;
             if (line.text("path").empty())
               throw input_error("an image has no path", line.place(), "give the folder or file, or remove the row");
             image.path = spec_.imaging.parent_path() / line.text("path");
             if (const std::string mask = line.text("mask"); !mask.empty())
               image.mask = spec_.imaging.parent_path() / mask;
             image.timing = line.text("timing");
             if (image.timing != "pre_op" && image.timing != "post_op")
               throw input_error("'" + image.timing + "' is no timing", line.place(), "known: pre_op, post_op");
             image.phase = line.text("phase");
             image.study_day = day(line, "study");
             image.place = line.place();
             if (image.study_day) {
               // Law 5: a scan is what its date says. After a treatment has started or a recurrence was seen it shows
               // the future.
               const double study = *image.study_day;
               const bool before = image.timing == "pre_op";
               const bool treated = !patient.treatments.empty() && study >= patient.treatments.front().start_day;
               const bool recurred = patient.follow_up.recurrence_day && study >= *patient.follow_up.recurrence_day;
               const char* problem = before && study > 0    ? "pre-operative image dated after surgery"
                                     : !before && study < 0 ? "post-operative image dated before surgery"
                                     : !before && (treated || recurred)
                                         ? "post-operative image after treatment start or recurrence"
                                         : nullptr;
               if (problem != nullptr) {
                 query(line, {"study_day", number_text(study), problem, "dropped"});
                 return;
               }
             }
             patient.imaging.push_back(std::move(image));
           });
}

void TableReader::slides() {
  each_row(spec_.slides, "slides", {"path"}, {"stain", "um_per_pixel", "mask"}, [&](const Line& line) {
    SlideRow slide;
    if (line.text("path").empty())
      throw input_error("a slide has no path", line.place(), "give the file, or remove the row");
    slide.path = (spec_.slides.parent_path() / line.text("path")).lexically_normal();
    std::vector<SlideRow>& slides = cohort_.patients[line.patient].slides;
    if (std::any_of(slides.begin(), slides.end(), [&](const SlideRow& other) { return other.path == slide.path; })) {
      query(line, {"path", line.text("path"), "slide given twice", "the first row is used"});
      return;
    }
    slide.stain = line.text("stain");
    if (const std::string mask = line.text("mask"); !mask.empty()) slide.mask = spec_.slides.parent_path() / mask;
    if (const std::string scale = nfkc(line.text("um_per_pixel")); !scale.empty() && scale != "NA") {
      slide.um_per_pixel = parse_number(scale);
      if (!slide.um_per_pixel || *slide.um_per_pixel <= 0)
        throw input_error("'" + scale + "' in 'um_per_pixel' is no positive number", line.place(),
                          "correct it or leave it empty");
    }
    slide.place = line.place();
    slides.push_back(std::move(slide));
  });
}

void TableReader::reports() {
  each_row(spec_.reports, "reports", {"path|text"}, {"path", "text", "language"}, [&](const Line& line) {
    ReportRow report;
    if (const std::string path = line.text("path"); !path.empty()) report.path = spec_.reports.parent_path() / path;
    report.text = line.text("text");
    report.language = line.text("language");
    report.place = line.place();
    if (report.path.empty() && report.text.empty())
      throw input_error("a report has neither path nor text", line.place(), "give one, or remove the row");
    cohort_.patients[line.patient].reports.push_back(std::move(report));
  });
}

}  // namespace hepar
