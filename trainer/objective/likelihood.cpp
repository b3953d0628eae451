// SPDX-License-Identifier: Apache-2.0
// The value and its gradient are computed together by hand, in double: one node in the autograd graph, and logits of
// +-40 lose nothing.
#include "trainer/objective/head_kinds.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hepar::objective {
namespace {

// Discrete hazards of an interval from its logits, with the derivative of log(1 - h.) and of h.
struct Hazards {
  double lse = 0;                    // -log(1 - h.)
  std::array<double, 2> h{};
};

Hazards hazards_of(const float* z, int causes) {
  double top = 0;
  for (int c = 0; c < causes; ++c) top = std::max(top, static_cast<double>(z[c]));
  double sum = std::exp(-top);
  for (int c = 0; c < causes; ++c) sum += std::exp(z[c] - top);
  Hazards result;
  result.lse = top + std::log(sum);
  for (int c = 0; c < causes; ++c) result.h[static_cast<std::size_t>(c)] = std::exp(z[c] - result.lse);
  return result;
}

// One patient's logits [arms, J, causes] and where their gradient goes.
struct Cells {
  const float* logits;
  double* gradient;
  std::int64_t intervals, stride;   // stride: logits of an interval
  int first_causes;                 // of process 0, which stand first; process 1 has one, behind them

  [[nodiscard]] std::int64_t at(int arm, int interval) const { return (arm * intervals + interval) * stride; }
};

double add_term(const Term& term, const Cells& cells) {
  const bool later = term.process == 1;
  const int causes = later ? 1 : cells.first_causes;
  const std::int64_t at = cells.at(term.arm, term.interval) + (later ? cells.first_causes : 0);
  const Hazards hazards = hazards_of(cells.logits + at, causes);
  for (int c = 0; c < causes; ++c) cells.gradient[at + c] += term.share * hazards.h[static_cast<std::size_t>(c)];
  double value = term.share * hazards.lse;
  if (term.cause > 0) {
    value -= cells.logits[at + term.cause - 1];
    cells.gradient[at + term.cause - 1] -= 1;
  }
  return value;
}

// -log P(alive at the end, or dead in the last interval | recurrence-free at the start), recurrence unseen: the two-state
// recursion of curves() with hazards scaled by the share of the interval, and its adjoint.
double add_hidden(const Account& account, const Cells& cells) {
  struct Stage { Hazards first, later; double share, free, recurred; };
  std::vector<Stage> stages;
  double free = 1, recurred = 0, dead = 0;
  for (const Hidden& hidden : account.hidden) {
    const float* z = cells.logits + cells.at(hidden.arm, hidden.interval);
    Stage stage{hazards_of(z, 2), hazards_of(z + 2, 1), hidden.share, free, recurred};
    const double s = stage.share, h1 = s * stage.first.h[0], h2 = s * stage.first.h[1], h3 = s * stage.later.h[0];
    dead = free * h2 + recurred * h3;
    recurred = recurred * (1 - h3) + free * h1;
    free = free * (1 - h1 - h2);
    stages.push_back(stage);
  }
  const bool dies = account.dies_in_last_hidden;
  constexpr double kTiny = 1e-300;
  const double probability = std::max(dies ? dead : free + recurred, kTiny);
  double d_free = dies ? 0 : -1 / probability, d_recurred = d_free, d_dead = dies ? -1 / probability : 0;
  for (std::size_t i = stages.size(); i-- > 0;) {
    const Stage& stage = stages[i];
    const double s = stage.share, a = stage.first.h[0], b = stage.first.h[1], c = stage.later.h[0];
    const double d_a = s * stage.free * (d_recurred - d_free);
    const double d_b = s * stage.free * (d_dead - d_free);
    const double d_c = s * stage.recurred * (d_dead - d_recurred);
    double* gradient = cells.gradient + cells.at(account.hidden[i].arm, account.hidden[i].interval);
    gradient[0] += a * (d_a * (1 - a) - d_b * b);
    gradient[1] += b * (d_b * (1 - b) - d_a * a);
    gradient[2] += c * (1 - c) * d_c;
    const double before_free = d_free * (1 - s * (a + b)) + d_recurred * s * a + d_dead * s * b;
    const double before_recurred = d_recurred * (1 - s * c) + d_dead * s * c;
    d_free = before_free, d_recurred = before_recurred, d_dead = 0;
  }
  return -std::log(probability);
}

class Likelihood : public torch::autograd::Function<Likelihood> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const HeadSpec* head,
                            const std::vector<Account>* accounts) {
    const at::Tensor z = logits.contiguous();
    const std::int64_t per_patient = z.numel() / std::max<std::int64_t>(z.size(0), 1);
    std::vector<double> gradient(static_cast<std::size_t>(z.numel()), 0.0);
    double sum = 0;
    for (std::size_t p = 0; p < accounts->size(); ++p) {
      const std::int64_t begin = static_cast<std::int64_t>(p) * per_patient;
      const Cells cells{z.data_ptr<float>() + begin, gradient.data() + begin, head->intervals(), head->causes(),
                        head_kind(head->kind).first_causes};
      const Account& account = (*accounts)[p];
      double own = 0;
      for (const Term& term : account.terms) own += add_term(term, cells);
      if (!account.hidden.empty()) own += add_hidden(account, cells);
      sum += account.weight * own;
      if (account.weight != 1)
        for (std::int64_t k = begin; k < begin + per_patient; ++k) gradient[static_cast<std::size_t>(k)] *= account.weight;
    }
    at::Tensor slope = at::empty(z.sizes(), z.options());
    std::transform(gradient.begin(), gradient.end(), slope.data_ptr<float>(), [](double g) { return static_cast<float>(g); });
    context->save_for_backward({slope});
    at::Tensor value = at::empty({}, z.options());
    *value.data_ptr<float>() = static_cast<float>(sum);
    return value;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list upstream) {
    return {at::mul(context->get_saved_variables()[0], upstream[0]), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor negative_log_likelihood(const HeadSpec& head, const at::Tensor& logits, std::span<const Subject> subjects, PartialInterval rule) {
  std::vector<Account> accounts;
  accounts.reserve(subjects.size());
  for (const Subject& subject : subjects) {
    accounts.push_back(account_of(head, subject, rule));
    accounts.back().weight = subject.weight;
  }
  return Likelihood::apply(logits, &head, &accounts);
}

}  // namespace hepar::objective
