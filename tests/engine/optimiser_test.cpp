// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/optimiser.hpp"

#include "data/base/random.hpp"

#include <gtest/gtest.h>

#include <ATen/ops/empty.h>

#include <cmath>

namespace hepar::engine {
namespace {

// Two tensors, one with weight decay.
class TwoTensors : public model::Network {
 public:
  TwoTensors() {
    for (const auto& [name, n, decay] : {std::tuple{"weight", 6, true}, std::tuple{"bias", 3, false}}) {
      at::Tensor tensor = at::empty({n});
      for (int i = 0; i < n; ++i) tensor.data_ptr<float>()[i] = static_cast<float>(0.3 * i - 0.5);
      parameters_.push_back({name, tensor, decay});
    }
  }
  std::vector<model::Parameter> parameters() override { return parameters_; }
  std::vector<at::Tensor> forward(const dataset::Batch&, const model::MaskKey&) const override { return {}; }
  at::Tensor penalty() const override { return {}; }

 private:
  std::vector<model::Parameter> parameters_;
};

TEST(Arena, TensorsAreViewsOfIt) {
  TwoTensors network;
  Arena arena(network);
  ASSERT_EQ(arena.size(), 9);
  EXPECT_FLOAT_EQ(arena.values()[6], -0.5F);
  arena.values()[6] = 42;
  EXPECT_EQ(network.parameters()[1].tensor.data_ptr<float>()[0], 42);
}

// Loshchilov & Hutter 2019, algorithm 2, one scalar at a time in double.
TEST(AdamW, FollowsItsDefinition) {
  TwoTensors network;
  Arena arena(network);
  TrainConfig config;
  config.weight_decay = 0.1;
  std::vector<double> w(arena.values().begin(), arena.values().end()), m(9), v(9);
  Stream stream({1});
  for (std::int64_t update = 1; update <= 50; ++update) {
    std::vector<float> gradient(9);
    for (float& g : gradient) g = static_cast<float>(stream.normal());
    const double rate = 0.01 / static_cast<double>(update);
    adamw(arena, gradient, 1, config, rate, update);
    for (std::size_t i = 0; i < 9; ++i) {
      const double g = gradient[i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double m_hat = m[i] / (1 - std::pow(0.9, update)), v_hat = v[i] / (1 - std::pow(0.999, update));
      w[i] -= rate * (m_hat / (std::sqrt(v_hat) + 1e-8) + (i < 6 ? 0.1 * w[i] : 0));
    }
  }
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(arena.values()[i], w[i], 1e-5) << i;
}

TEST(Average, TracksTheWeights) {
  TwoTensors network;
  Arena arena(network);
  arena.start_average();
  const float before = arena.average()[0];
  arena.values()[0] = before + 1;
  average(arena, 0.75);
  EXPECT_FLOAT_EQ(arena.average()[0], before + 0.25F);
}

TEST(AdamW, CountsTheGradientByItsFactorAndLeavesFrozenSegmentsAlone) {
  TwoTensors network, other;
  Arena arena(network), scaled(other);
  arena.set_rate(1, 0);
  scaled.set_rate(1, 0);
  const std::vector<float> before(arena.values().begin(), arena.values().end()), once(9, 0.5F), twice(9, 1.0F);
  adamw(arena, once, 1, {}, 0.01, 1);
  adamw(scaled, twice, 0.5F, {}, 0.01, 1);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(arena.values()[i], scaled.values()[i]) << i;
    EXPECT_EQ(arena.values()[i] == before[i], i >= 6) << i;
  }
}

TEST(Clip, CutsTheNormToItsLimit) {
  EXPECT_EQ(clip_factor(5, 10), 1.0F);
  EXPECT_FLOAT_EQ(clip_factor(5, 1), 0.2F);
  EXPECT_EQ(clip_factor(5, 0), 1.0F);
}

TEST(Schedule, WarmsUpThenFallsToNothing) {
  TrainConfig config;
  config.learning_rate = 2;
  config.warmup = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(config, 9, 100), 2);
  EXPECT_NEAR(learning_rate(config, 54, 100), 1, 1e-9);
  EXPECT_NEAR(learning_rate(config, 99, 100), 0, 1e-9);
  for (std::int64_t step = 10; step < 99; ++step) EXPECT_LT(learning_rate(config, step + 1, 100), learning_rate(config, step, 100));
  config.schedule = "constant";
  EXPECT_DOUBLE_EQ(learning_rate(config, 99, 100), 2);
}

TEST(Steps, ComeFromEpochsOrANumberOrTheCohort) {
  TrainConfig config;
  config.steps = "17";
  EXPECT_EQ(planned_steps(config, 5), 17);
  config.epochs = 2.5;
  EXPECT_EQ(planned_steps(config, 4), 10);
  config.epochs = 0;
  config.steps = "auto";
  EXPECT_GT(planned_steps(config, 1), 0);
  EXPECT_GE(planned_steps(config, 1000), 4000) << "a large cohort is seen several times";
  config.steps = "many";
  EXPECT_THROW((void)planned_steps(config, 1), Error);
}

}  // namespace
}  // namespace hepar::engine
