// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/optimiser.hpp"

#include "data/base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

namespace hepar::engine {

namespace {

// Enough updates for a small cohort, enough passes for a large one.
constexpr std::int64_t kLeastSteps = 120;
constexpr std::int64_t kLeastEpochs = 5;

// The learning rate as a part of its peak, when `done` of the steps after warm-up are done.
struct Schedule {
  std::string_view name;
  double (*part)(double done);
};
// A new schedule is one line here.
constexpr std::array<Schedule, 2> kSchedules{{{"cosine", [](double done) { return 0.5 * (1 + std::cos(std::numbers::pi * done)); }}, {"constant", [](double) { return 1.0; }}}};

struct Optimiser {
  std::string_view name;
  void (*update)(Arena& arena, std::span<const float> gradient, float factor, const TrainConfig& config, double rate, std::int64_t update);
};
// A new optimiser is one function and one line here. Its state lies in the arena's two moments, which checkpoints keep.
constexpr std::array<Optimiser, 1> kOptimisers{{{"adamw", &adamw}}};

const auto& named(const auto& table, const std::string& name, const char* key) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& one) { return one.name == name; });
  if (found == table.end()) throw usage_error(std::string("there is no ") + key + " '" + name + "'");
  return *found;
}

std::vector<std::string> names_of(const auto& table) {
  std::vector<std::string> names;
  for (const auto& one : table) names.emplace_back(one.name);
  return names;
}

}  // namespace

std::vector<std::string> optimiser_names() { return names_of(kOptimisers); }
std::vector<std::string> schedule_names() { return names_of(kSchedules); }

std::int64_t planned_steps(const TrainConfig& config, std::int64_t steps_per_epoch) {
  if (config.epochs > 0) return std::max<std::int64_t>(1, std::llround(config.epochs * static_cast<double>(steps_per_epoch)));
  if (config.steps == "auto") return std::max(kLeastSteps, kLeastEpochs * steps_per_epoch);
  const auto steps = parse_integer(config.steps);
  if (!steps || *steps < 1) throw usage_error("'train.steps' is '" + config.steps + "'", {}, "give auto or a whole number of at least 1");
  return *steps;
}

double learning_rate(const TrainConfig& config, std::int64_t step, std::int64_t steps) {
  const double warmup = std::max(1.0, std::floor(config.warmup * static_cast<double>(steps)));
  const double done = static_cast<double>(step) + 1;
  if (done <= warmup) return config.learning_rate * done / warmup;
  const double share = (done - warmup) / std::max(1.0, static_cast<double>(steps) - warmup);
  return config.learning_rate * named(kSchedules, config.schedule, "train.schedule").part(std::min(1.0, share));
}

void apply_update(Arena& arena, std::span<const float> gradient, float factor, const TrainConfig& config, double rate, std::int64_t update) {
  named(kOptimisers, config.optimizer, "train.optimizer").update(arena, gradient, factor, config, rate, update);
}

float clip_factor(double norm, double limit) { return limit <= 0 || norm <= limit ? 1.0f : static_cast<float>(limit / norm); }

void adamw(Arena& arena, std::span<const float> gradient, float factor, const TrainConfig& config, double rate, std::int64_t update) {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  const double correction1 = 1 - std::pow(0.9, static_cast<double>(update)), correction2 = 1 - std::pow(0.999, static_cast<double>(update));
  const auto root2 = static_cast<float>(1 / std::sqrt(correction2));
  float* values = arena.values().data();
  float* m = arena.first_moment().data();
  float* v = arena.second_moment().data();
  for (const Segment& segment : arena.segments()) {
    if (segment.rate == 0) continue;
    const double own_rate = rate * segment.rate;
    const auto step_size = static_cast<float>(own_rate / correction1);
    const auto keep = static_cast<float>(1 - (segment.decay ? own_rate * config.weight_decay : 0.0));
    for (auto i = static_cast<std::size_t>(segment.first); i < static_cast<std::size_t>(segment.first + segment.count); ++i) {
      const float g = factor * gradient[i];
      m[i] = kBeta1 * m[i] + (1 - kBeta1) * g;
      v[i] = kBeta2 * v[i] + (1 - kBeta2) * g * g;
      values[i] = values[i] * keep - step_size * m[i] / (std::sqrt(v[i]) * root2 + kEpsilon);
    }
  }
}

void average(Arena& arena, double decay) {
  const auto keep = static_cast<float>(decay), take = static_cast<float>(1 - decay);
  const std::span<const float> values = arena.values();
  std::span<float> mean = arena.average();
  for (const Segment& segment : arena.segments()) {
    if (segment.rate == 0) continue;  // rounding would move what stays
    for (auto i = static_cast<std::size_t>(segment.first); i < static_cast<std::size_t>(segment.first + segment.count); ++i) mean[i] = keep * mean[i] + take * values[i];
  }
}

}  // namespace hepar::engine
