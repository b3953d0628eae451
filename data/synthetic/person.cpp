// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/person.hpp"

#include "data/base/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hepar::synthetic {

const std::array<const char*, kArms> kArmNames{"surgery", "tace", "tace_systemic", "systemic"};

namespace {

// Streams of one patient, so that a change in one part leaves the others as they were.
enum class Part : std::uint64_t { clinical = 1, latents, presence, treatment, course, censoring, centre };
Stream stream(const Options& options, Part part, std::int64_t number) { return Stream({options.seed, static_cast<std::uint64_t>(part), static_cast<std::uint64_t>(number)}); }

// Log hazard ratios of recurrence per ln mAU/mL, g/L and ln umol/L.
constexpr double kPivkaWeight = 0.28, kAlbuminWeight = -0.09, kBilirubinWeight = 0.60;
constexpr double kMeanLogHazard = 0.40;  // about the mean of the clinical part, so that baselines are those of section 8

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

void draw_clinical(Stream s, const Centre& centre, Person& p) {
  p.age = std::clamp(55 + 11 * s.normal(), 18.0, 84.0);
  p.sex = s.chance(0.84) ? 1 : 0;
  p.hbsag = s.chance(0.82) ? 1 : 0;
  p.cirrhosis = s.chance(p.hbsag != 0 ? 0.6 : 0.4) ? 1 : 0;
  p.size_cm = std::clamp(std::exp(std::log(4.2) + 0.15 * centre.referral + 0.55 * s.normal()), 0.6, 20.0);
  p.multiple = s.chance(logistic(-1.5 + 0.4 * centre.referral)) ? 1 : 0;
  p.log_afp = std::log(40.0) + 0.3 * centre.referral + 2.2 * s.normal();
  p.log_pivka = std::log(120.0) + 0.9 * std::log(p.size_cm / 4) + 1.6 * s.normal();
  // MVI: OR 1.17 per cm, 1.65 for AFP > 155; prevalence M0/M1/M2 about 60/27/13 %.
  const double mvi = -0.35 + std::log(1.17) * (p.size_cm - 4.8) + (p.log_afp > std::log(155.0) ? std::log(1.65) : 0) - 0.1;
  if (s.chance(logistic(mvi))) p.mvi = s.chance(logistic(-0.75 + 0.08 * (p.size_cm - 4.8))) ? 2 : 1;
  const double grade = s.uniform() + 0.08 * (p.mvi > 0 ? 1 : 0);
  p.differentiation = grade < 0.15 ? 0 : grade < 0.68 ? 1 : 2;
  p.satellite = s.chance(0.08 + 0.12 * (p.mvi == 2 ? 1 : 0)) ? 1 : 0;
  p.capsule = s.chance(0.45) ? 0 : 1;
  p.albumin = std::clamp(40 + 4.5 * s.normal() - 1.5 * p.cirrhosis, 24.0, 54.0);
  p.bilirubin = std::exp(std::log(13.0) + 0.4 * s.normal() + 0.15 * p.cirrhosis);
  p.prior_therapy = s.chance(0.010);
  p.r1 = s.chance(0.010);
  p.metastasis = s.chance(0.006);
  p.other_histology = s.chance(0.008);
  p.lost = s.chance(0.007);
  p.clinical_log_hazard = (p.mvi == 1 ? std::log(1.4) : p.mvi == 2 ? std::log(2.1) : 0) + std::log(1.06) * (std::min(p.size_cm, 15.0) - 4.8) + std::log(1.5) * p.multiple +
                          std::log(1.08) * (p.log_afp - std::log(40.0)) + (p.differentiation == 2 ? std::log(1.3) : 0) + std::log(1.2) * p.cirrhosis + std::log(1.6) * p.satellite;
  // Design values, so that tables alone reach the C of published clinical models: section 8 gives no figure for these.
  p.clinical_log_hazard += kPivkaWeight * (p.log_pivka - std::log(120.0)) + kAlbuminWeight * (p.albumin - 40) + kBilirubinWeight * (std::log(p.bilirubin) - std::log(13.0)) - kMeanLogHazard;
}

void draw_latents(Stream s, Person& p) {
  for (std::size_t l = 0; l < kLatents; ++l) {
    p.latent[l] = s.normal();
    p.painted[l] = p.latent[l] + kPaintNoise[l] * s.normal();
  }
  for (int& sign : p.report_signs) {
    const double shown = p.latent[5] + kPaintNoise[5] * s.normal();
    sign = shown < -0.6 ? 0 : shown < 0.6 ? 1 : 2;
  }
  p.log_hazard = p.clinical_log_hazard;
  for (std::size_t l = 0; l < kLatents; ++l) p.log_hazard += kLatentWeight[l] * p.latent[l];
}

void draw_presence(Stream s, Person& p) {
  p.has_ct = !s.chance(0.05);
  p.has_slide = !s.chance(0.10);
  p.has_report = !s.chance(0.08);
  p.tiles = static_cast<std::int64_t>(std::clamp(std::exp(std::log(200.0) + 0.8 * s.normal()), 12.0, 4000.0));
}

// Log hazard ratios of recurrence from the start of a treatment on.
void draw_effects(const Options& options, Person& p) {
  double tace = std::log(0.82), systemic = std::log(0.92);
  if (options.effect == "clinical") {
    const bool higher_risk = p.multiple != 0 || p.size_cm > 5 || p.log_afp > std::log(400.0);
    tace = p.mvi > 0 ? std::log(0.70) : higher_risk ? std::log(0.75) : 0;
    systemic = p.mvi > 0 ? std::log(0.85) : std::log(0.95);
  } else if (options.effect == "latent") {
    tace = std::log(0.85) - 0.35 * p.latent[2];
    systemic = std::log(0.92) - 0.15 * p.latent[4];
  }
  // Together: the product, but never below 0.60, and no more than TACE alone without MVI.
  const double both = options.effect == "clinical" && p.mvi == 0 ? tace : std::max(tace + systemic, std::min(tace, std::log(0.60)));
  p.log_effect = {0, tace, both, systemic};
}

// Treatment by indication: the sicker the patient looks, the more is given; centres differ in habit.
void draw_treatment(Stream s, const Centre& centre, Person& p) {
  const double sick = 0.9 * (p.mvi > 0 ? 1 : 0) + 0.12 * (p.size_cm - 4.8) + 0.7 * p.multiple + 0.12 * (p.log_afp - 4);
  std::array<double, kArms> logit{0, -1.15 + sick + centre.treatment_logit[0], -2.6 + 1.1 * sick + centre.treatment_logit[1], -2.5 + 0.8 * sick + centre.treatment_logit[2]};
  double sum = 0;
  for (double& value : logit) sum += value = std::exp(value);
  for (std::size_t a = 0; a < kArms; ++a) p.arm_probability[a] = logit[a] / sum;
  double u = s.uniform();
  for (std::size_t a = 0; a < kArms; ++a) {
    p.intended_arm = a;
    if (u < p.arm_probability[a]) break;
    u -= p.arm_probability[a];
  }
  const double tace = 25 + 35 * s.uniform(), systemic = 28 + 56 * s.uniform();
  p.start_day = {0, tace, std::max(tace, systemic), systemic};
}

// Monthly hazards of recurrence: a peak in the first year, half of it after the second.
double recurrence_hazard(double month) { return 0.0125 * (month < 6 ? 1.5 : month < 12 ? 1.7 : month < 24 ? 1.2 : 0.75); }
constexpr double kDeathFree = 0.0012, kDeathAfter = 0.0125;

struct Hazards { double recurrence, death_free, death_after; };
Hazards hazards_at(const Person& p, std::size_t arm, double month, double log_hazard) {
  const bool treated = arm != 0 && month * 30.4375 >= p.start_day[arm];
  const double effect = treated ? p.log_effect[arm] : 0;
  return {recurrence_hazard(month) * std::exp(log_hazard + effect), kDeathFree * std::exp(0.03 * (p.age - 55) + 0.5 * p.cirrhosis - 0.04 * (p.albumin - 40)),
          kDeathAfter * std::exp(0.45 * log_hazard + 0.3 * effect)};
}

constexpr double kStep = 0.125;         // months
constexpr double kLongest = 240;

// The same exponential thresholds for every arm: potential outcomes differ only by the treatment.
void draw_courses(Stream s, Person& p) {
  const std::array<double, 3> threshold{s.exponential(), s.exponential(), s.exponential()};
  for (std::size_t arm = 0; arm < kArms; ++arm) {
    Course& course = p.potential[arm];
    std::array<double, 3> gathered{};
    for (double month = 0; month < kLongest; month += kStep) {
      const Hazards h = hazards_at(p, arm, month, p.log_hazard);
      const auto crossing = [&](std::size_t k, double hazard) {
        const double before = gathered[k];
        gathered[k] += hazard * kStep;
        return gathered[k] >= threshold[k] ? month + (threshold[k] - before) / hazard : 1e9;
      };
      if (course.recurrence > 1e8) {
        const double recurs = crossing(0, h.recurrence), dies = crossing(1, h.death_free);
        if (dies < recurs) {
          course.death = dies;
          break;
        }
        course.recurrence = recurs;
      } else {
        course.death = crossing(2, h.death_after);
        if (course.death < 1e8) break;
      }
    }
  }
}

}  // namespace

std::vector<Centre> draw_centres(const Options& options) {
  std::vector<Centre> centres;
  for (std::int64_t k = 0; k < options.centres; ++k) {
    Stream s = stream(options, Part::centre, k);
    Centre centre;
    centre.name = "C" + std::string(k < 9 ? "0" : "") + std::to_string(k + 1);
    centre.log_hazard = 0.15 * s.normal();
    centre.referral = 0.8 * s.normal();
    centre.follow_up_months = 48 + 48 * s.uniform();
    for (double& logit : centre.treatment_logit) logit = 0.6 * s.normal();
    centre.ct_gain = 1 + 0.04 * s.normal();
    centre.ct_offset = 6 * s.normal();
    centre.ct_noise = 10 + 12 * s.uniform();
    centre.stain = s.bits();
    centre.afp_in_ug_l = k % 3 == 2;
    centre.afp_limit = k % 2 == 0 ? 60500 : 30000;
    centres.push_back(centre);
  }
  return centres;
}

Person draw_person(const Options& options, const std::vector<Centre>& centres, std::int64_t number) {
  Person p;
  p.number = number;
  // Centres of different size, every one of them used.
  Stream s = stream(options, Part::clinical, -number - 1);
  const auto n = static_cast<double>(centres.size());
  p.centre = number < static_cast<std::int64_t>(centres.size()) ? static_cast<std::size_t>(number) : static_cast<std::size_t>(std::min(n - 1, n * std::pow(s.uniform(), 1.25)));
  const std::string digits = std::to_string(number + 1);
  p.id = "P" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
  const Centre& centre = centres[p.centre];
  draw_clinical(stream(options, Part::clinical, number), centre, p);
  draw_latents(stream(options, Part::latents, number), p);
  p.clinical_log_hazard += centre.log_hazard;
  p.log_hazard += centre.log_hazard;
  draw_presence(stream(options, Part::presence, number), p);
  draw_effects(options, p);
  draw_treatment(stream(options, Part::treatment, number), centre, p);
  draw_courses(stream(options, Part::course, number), p);
  Stream c = stream(options, Part::censoring, number);
  p.censored = std::max(1.0, std::min(centre.follow_up_months * (0.35 + 0.65 * c.uniform()), c.exponential() * 220));
  p.recurrence_free_seen = c.chance(0.1) ? p.censored * (0.7 + 0.3 * c.uniform()) : p.censored;
  return p;
}

Observed observe(const Person& p) {
  const Course& course = p.potential[p.intended_arm];
  Observed seen;
  const bool died = course.death <= p.censored;
  seen.last_contact = died ? course.death : p.censored;
  if (died) seen.death = course.death;
  const double looked_until = course.death <= p.censored ? seen.last_contact : p.recurrence_free_seen;
  if (course.recurrence <= looked_until) seen.recurrence = course.recurrence;
  // Nobody starts a treatment after an event: the course up to the start is that of surgery, so the recorded arm follows.
  const double event_day = std::min(course.recurrence, course.death) * 30.4375;
  const double end_day = seen.last_contact * 30.4375;
  const bool tace = p.intended_arm == 1 || p.intended_arm == 2, systemic = p.intended_arm == 2 || p.intended_arm == 3;
  const double tace_day = p.start_day[1], systemic_day = p.start_day[3];
  if (tace && tace_day < std::min(event_day, end_day)) {
    seen.tace_start = tace_day;
    seen.tace_stop = std::min({tace_day + 1, event_day, end_day});
  }
  if (systemic && systemic_day < std::min(event_day, end_day)) {
    seen.systemic_start = systemic_day;
    seen.systemic_stop = std::min({systemic_day + 180, event_day, end_day});
  }
  return seen;
}

double true_risk(const Person& p, std::size_t arm, std::size_t endpoint, double months, double log_hazard) {
  constexpr double kCoarse = 0.5;
  double free = 1, recurred = 0, ever_recurred = 0;
  for (double month = 0; month < months - 1e-9; month += kCoarse) {
    const Hazards h = hazards_at(p, arm, month + kCoarse / 2, log_hazard);
    const double leave = 1 - std::exp(-(h.recurrence + h.death_free) * kCoarse), to_recurrence = leave * h.recurrence / (h.recurrence + h.death_free);
    recurred = recurred * std::exp(-h.death_after * kCoarse) + free * to_recurrence;
    ever_recurred += free * to_recurrence;
    free *= 1 - leave;
  }
  return endpoint == 0 ? 1 - free : endpoint == 1 ? ever_recurred : 1 - free - recurred;
}

double readable_log_hazard(const Person& p) {
  double log_hazard = p.clinical_log_hazard;
  for (std::size_t l = 0; l < 5; ++l) {
    const bool present = l < 2 ? p.has_ct : p.has_slide;
    // Normal prior and normal noise: the posterior mean shrinks what is shown.
    if (present) log_hazard += kLatentWeight[l] * p.painted[l] / (1 + kPaintNoise[l] * kPaintNoise[l]);
  }
  if (!p.has_report) return log_hazard;
  // The report's ordinal signs: posterior mean by quadrature over the latent.
  double weight_sum = 0, mean = 0;
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
  for (double z = -4; z <= 4; z += 0.05) {
    const double low = below((-0.6 - z) / kPaintNoise[5]), high = below((0.6 - z) / kPaintNoise[5]);
    double weight = std::exp(-z * z / 2);
    for (const int sign : p.report_signs) weight *= sign == 0 ? low : sign == 1 ? high - low : 1 - high;
    weight_sum += weight;
    mean += weight * z;
  }
  return log_hazard + kLatentWeight[5] * mean / weight_sum;
}

}  // namespace hepar::synthetic
