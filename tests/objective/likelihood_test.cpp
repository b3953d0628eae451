// SPDX-License-Identifier: Apache-2.0
// Reference values: 12 patients of statistics/logits.csv, `logits.nll` and `logits.nll.single` (clinical.md section 10).
#include "trainer/objective/objective.hpp"

#include "data/base/random.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace hepar::objective {
namespace {

struct Row { double time; int event; std::vector<double> z; };

std::vector<Row> reference_rows() {
  return {{5, 1, {40, -40, 40, -40, 40, -40, 40, -40, 40, -40}},
          {30, 0, {-30, -30, -30, -30, -30, -30, -30, -30, -30, -30}},
          {14, 2, {-35, 38, -35, 38, -35, 38, -35, 38, -35, 38}},
          {12, 0, {-1.69387, -2.70874, -3.16959, -3.06487, -2.38541, -3.73874, -2.24228, -0.8478, -2.21229, -3.55969}},
          {24, 1, {-2.29683, -3.12339, -3.59667, -3.00604, -1.78953, -0.69149, -3.29011, -3.59767, -1.5154, -1.2471}},
          {36, 0, {-3.04666, -3.8023, -1.6089, -1.49817, -2.33742, -1.1514, -1.37151, -1.98364, -1.24852, -2.29638}},
          {48, 2, {-0.60492, -2.09227, -2.87447, -0.09044, -3.69873, -2.59769, -2.66405, -0.55755, -3.93116, -3.20312}},
          {60, 0, {-1.27052, -2.14089, -2.33585, -0.99691, -2.07195, -3.71066, -2.25779, -4.27331, -3.01718, -3.63204}},
          {60, 1, {-2.50039, -2.54472, -0.64913, -3.64818, -4.28627, -2.85436, -2.68111, -1.15779, -0.63582, -0.89582}},
          {60.1, 1, {-1.60236, -1.85634, -4.04607, -2.15824, -1.91723, -1.3795, -1.3503, 0.20923, -2.8224, -0.77253}},
          {12, 2, {-3.14344, -3.89599, -1.84895, -2.94957, -2.86716, -2.77854, -3.18486, -2.38518, -2.91107, -1.3338}},
          {66, 0, {-1.89305, -1.546, -1.59158, -1.80127, -0.8164, -3.26997, -3.08662, -3.34672, -3.15323, -2.16422}}};
}

HeadSpec yearly(HeadSpec::Kind kind) { return {kind, kind == HeadSpec::Kind::hazard ? "os" : "illness_death", {0, 12, 24, 36, 48, 60}, {"all"}, {"os"}}; }

Subject recurrence_at(double months, double last_contact) {
  Subject subject{.known = true};
  subject.history = {true, months, std::nullopt, months, last_contact};
  return subject;
}
Subject alive_until(double months) {
  Subject subject{.known = true};
  subject.history = {true, std::nullopt, std::nullopt, months, months};
  return subject;
}
Subject death_at(double months) {
  Subject subject{.known = true};
  subject.history = {true, std::nullopt, months, months, months};
  return subject;
}

at::Tensor tensor(const std::vector<double>& values, std::vector<std::int64_t> shape) {
  at::Tensor t = at::empty(shape, at::kFloat);
  for (std::size_t i = 0; i < values.size(); ++i) t.data_ptr<float>()[i] = static_cast<float>(values[i]);
  return t;
}

double value(const HeadSpec& head, const at::Tensor& logits, const Subject& subject, PartialInterval rule = PartialInterval::share) {
  const std::vector<Subject> one{subject};
  return negative_log_likelihood(head, logits, one, rule).item<float>();
}

TEST(Likelihood, CompetingCausesMatchTheReferenceValues) {
  const std::vector<double> expected{0, 3.74367203903568e-13, 38, 0.22348550032314, 3.80580055109301, 0.766280091204022, 2.33877582387287, 1.04238403924726,
                                     2.27649633019557, 2.09881883775559, 3.95751530347279, 1.24018770454073};
  const HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  const std::vector<Row> rows = reference_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> z;
    for (std::size_t j = 0; j < 5; ++j) z.insert(z.end(), {rows[i].z[2 * j], rows[i].z[2 * j + 1], -1.5});
    const Subject subject = rows[i].event == 1 ? recurrence_at(rows[i].time, rows[i].time) : rows[i].event == 2 ? death_at(rows[i].time) : alive_until(rows[i].time);
    EXPECT_NEAR(value(head, tensor(z, {1, 1, 5, 3}), subject, PartialInterval::left_out), expected[i], 2e-6 * std::max(1.0, expected[i])) << "row " << i;
  }
}

TEST(Likelihood, OneHazardMatchesTheReferenceValues) {
  const std::vector<double> expected{0, 1.86961557346868e-13, 6.66133814775094e-16, 0.168735358807521, 3.71955054555824, 0.321027221403766, 0.58245733030927,
                                     0.605590802914327, 1.63988169107396, 0.626215234321708, 0.0422297975446509, 0.778130134228996};
  const HeadSpec head = yearly(HeadSpec::Kind::hazard);
  const std::vector<Row> rows = reference_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> z;
    for (std::size_t j = 0; j < 5; ++j) z.push_back(rows[i].z[2 * j]);
    Subject subject{.known = true};
    subject.outcome = {true, rows[i].time, rows[i].event == 1 ? 1 : 0};
    EXPECT_NEAR(value(head, tensor(z, {1, 1, 5, 1}), subject, PartialInterval::left_out), expected[i], 2e-6 * std::max(1.0, expected[i])) << "row " << i;
  }
}

TEST(Likelihood, ACensoredIntervalCountsByTheShareThatWasSeen) {
  const HeadSpec head = yearly(HeadSpec::Kind::hazard);
  const at::Tensor z = tensor({-2, -1, 0, -3, -2}, {1, 1, 5, 1});
  Subject subject{.known = true};
  subject.outcome = {true, 21, 0};  // 9 of 12 months of the second interval
  EXPECT_NEAR(value(head, z, subject), std::log1p(std::exp(-2.0)) + 0.75 * std::log1p(std::exp(-1.0)), 1e-6);
}

// h and survival by the definitions, no shared code: the twin of the likelihood for a recurrence, then death or not.
double twin(const std::vector<double>& z, const std::vector<double>& cuts, double recurrence, double last, bool dies) {
  double nll = 0;
  const auto h = [&](std::size_t j, std::size_t c) { return std::exp(z[3 * j + c]) / (1 + std::exp(z[3 * j]) + std::exp(z[3 * j + 1])); };
  std::size_t k = 0;
  while (!(recurrence > cuts[k] && recurrence <= cuts[k + 1])) nll -= std::log(1 - h(k, 0) - h(k, 1)), ++k;
  nll -= std::log(h(k, 0));
  bool done = false;
  for (std::size_t j = k + 1; j + 1 < cuts.size() && !done; ++j) {
    const double h3 = 1 / (1 + std::exp(-z[3 * j + 2]));
    if (dies && last <= cuts[j + 1]) {
      nll -= std::log(h3);
      done = true;
    } else {
      nll -= std::clamp((last - cuts[j]) / (cuts[j + 1] - cuts[j]), 0.0, 1.0) * std::log(1 - h3);
    }
  }
  return nll;
}

TEST(Likelihood, DeathAfterRecurrenceIsAtRiskFromTheNextIntervalOn) {
  HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  head.cuts = {0, 3, 6, 12, 24, 60};
  Stream random({7});
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> z;
    for (int i = 0; i < 15; ++i) z.push_back(static_cast<float>(random.normal()));
    const double recurrence = 0.1 + 58 * random.uniform(), last = recurrence + 30 * random.uniform();
    const bool dies = random.chance(0.5);
    Subject subject = recurrence_at(recurrence, last);
    if (dies) subject.history.death = last;
    EXPECT_NEAR(value(head, tensor(z, {1, 1, 5, 3}), subject), twin(z, head.cuts, recurrence, last, dies), 1e-5) << recurrence << " " << last << " " << dies;
  }
}

TEST(Likelihood, UnseenRecurrenceIsSummedOver) {
  const HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  const std::vector<double> z{-1, -2, -0.5, -1.2, -2.2, -0.4, -1.4, -2.4, -0.3, -1, -2, 0, -1, -2, 0};
  Subject subject{.known = true};
  subject.history = {true, std::nullopt, 30.0, 12.0, 30.0};  // last looked for recurrence at 12, died at 30
  const auto h = [&](int j, int c) { return std::exp(z[3 * j + c]) / (1 + std::exp(z[3 * j]) + std::exp(z[3 * j + 1])); };
  const double h3 = 1 / (1 + std::exp(0.3));
  // Either free through the second interval and dead in the third, or recurred in the second and dead of it in the third.
  const double probability = (1 - h(0, 0) - h(0, 1)) * ((1 - h(1, 0) - h(1, 1)) * h(2, 1) + h(1, 0) * h3);
  EXPECT_NEAR(value(head, tensor(z, {1, 1, 5, 3}), subject), -std::log(probability), 1e-6);
  subject.history = {true, std::nullopt, std::nullopt, 12.0, 24.0};  // alive at 24
  EXPECT_NEAR(value(head, tensor(z, {1, 1, 5, 3}), subject), -std::log((1 - h(0, 0) - h(0, 1)) * (1 - h(1, 1))), 1e-6);
}

TEST(Likelihood, GradientIsThatOfFiniteDifferences) {
  HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  head.arms = {"surgery", "tace"};
  std::vector<Subject> subjects{recurrence_at(5, 40), death_at(33), alive_until(29), Subject{.known = true}, Subject{.known = true}, Subject{}};
  subjects[0].history.death = 40;
  subjects[0].arm = 1, subjects[0].start_months[*treatment_kind("tace")] = 1.5;
  subjects[1].arm = 1, subjects[1].start_months[*treatment_kind("tace")] = 2;
  subjects[3].history = {true, std::nullopt, 30.0, 14.0, 30.0};
  subjects[4].history = {true, std::nullopt, std::nullopt, 14.0, 55.0};
  Stream random({11});
  std::vector<double> z;
  for (int i = 0; i < 6 * 2 * 5 * 3; ++i) z.push_back(static_cast<float>(random.normal() - 1));
  at::Tensor logits = tensor(z, {6, 2, 5, 3});
  logits.set_requires_grad(true);
  const at::Tensor gradient = torch::autograd::grad({negative_log_likelihood(head, logits, subjects)}, {logits})[0];
  int touched = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    constexpr double kStep = 1.0 / 64;  // exact in float; the value is a float, so the step cannot be small
    std::vector<double> up = z, down = z;
    up[i] += kStep, down[i] -= kStep;
    const double slope = (negative_log_likelihood(head, tensor(up, {6, 2, 5, 3}), subjects).item<float>() -
                          negative_log_likelihood(head, tensor(down, {6, 2, 5, 3}), subjects).item<float>()) / (2 * kStep);
    EXPECT_NEAR(gradient.data_ptr<float>()[i], slope, 1e-3) << "logit " << i;
    touched += gradient.data_ptr<float>()[i] != 0 ? 1 : 0;
  }
  EXPECT_GT(touched, 40);
}

TEST(Likelihood, AWeightOfTwoIsThePatientTwice) {
  const HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  std::vector<Subject> twice{recurrence_at(5, 40), recurrence_at(5, 40)}, once{recurrence_at(5, 40)};
  once[0].weight = 2;
  at::Tensor one = tensor(std::vector<double>(15, -1.0), {1, 1, 5, 3}), two = tensor(std::vector<double>(30, -1.0), {2, 1, 5, 3});
  one.set_requires_grad(true);
  two.set_requires_grad(true);
  const at::Tensor weighted = negative_log_likelihood(head, one, once), doubled = negative_log_likelihood(head, two, twice);
  EXPECT_FLOAT_EQ(weighted.data_ptr<float>()[0], doubled.data_ptr<float>()[0]);
  const at::Tensor slope = torch::autograd::grad({weighted}, {one})[0], slopes = torch::autograd::grad({doubled}, {two})[0];
  for (int k = 0; k < 15; ++k) EXPECT_FLOAT_EQ(slope.data_ptr<float>()[k], slopes.data_ptr<float>()[k] + slopes.data_ptr<float>()[15 + k]);
}

TEST(Likelihood, UnknownSubjectsSayNothing) {
  const HeadSpec head = yearly(HeadSpec::Kind::illness_death);
  EXPECT_EQ(value(head, tensor(std::vector<double>(15, -1.0), {1, 1, 5, 3}), Subject{}), 0);
}

}  // namespace
}  // namespace hepar::objective
