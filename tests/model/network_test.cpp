// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/network.hpp"

#include "data/base/random.hpp"
#include "trainer/model/masks.hpp"
#include "trainer/model/ragged.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <set>
#include <thread>

namespace hepar::model {
namespace {

at::Tensor noise(std::vector<std::int64_t> shape, std::uint64_t seed) {
  at::Tensor t = at::empty(shape, at::kFloat);
  Stream random({seed});
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return t;
}

std::vector<dataset::Input> inputs() {
  return {{.name = "clinical", .kind = Kind::vector, .width = 6},
          {.name = "slide", .kind = Kind::bag, .width = 24},
          {.name = "ct", .kind = Kind::volume, .volume = {2, 8, 16, 16}},
          {.name = "report", .kind = Kind::sequence, .width = 50}};
}
std::vector<HeadShape> heads() { return {{"illness_death", 4, 10, 3, true}}; }

ModelConfig small() {
  ModelConfig config;
  config.embedding = 16, config.bag.width = 16, config.bag.attention = 8, config.sequence.width = 16, config.sequence.hidden = 16;
  config.fusion.width = 32, config.vector.hidden = 16, config.volume.channels = 4;
  return config;
}

// present[input][patient]
dataset::Batch batch_of(std::vector<std::vector<std::uint8_t>> present, std::uint64_t seed) {
  const auto patients = static_cast<std::int64_t>(present[0].size());
  dataset::Batch batch;
  for (std::int64_t p = 0; p < patients; ++p) batch.patients.push_back(p);
  const auto ragged = [&](std::size_t input, std::int64_t unit) {
    std::vector<std::int64_t> offsets{0};
    for (std::int64_t p = 0; p < patients; ++p) offsets.push_back(offsets.back() + (present[input][static_cast<std::size_t>(p)] != 0 ? unit * (p + 2) : 0));
    return offsets;
  };
  const auto bags = ragged(1, 5), texts = ragged(3, 4);
  at::Tensor ids = at::empty({texts.back()}, at::kLong);
  for (std::int64_t i = 0; i < texts.back(); ++i) ids.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(mix64(seed + static_cast<std::uint64_t>(i)) % 50);
  batch.inputs = {{noise({patients, 6}, seed), {}, present[0]},
                  {noise({bags.back(), 24}, seed + 1), bags, present[1]},
                  {noise({patients, 2, 8, 16, 16}, seed + 2), {}, present[2]},
                  {ids, texts, present[3]}};
  return batch;
}
dataset::Batch full(std::uint64_t seed = 1) { return batch_of({{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, seed); }

// Parameters that start at zero hide what passes through them: every one is moved off it.
std::unique_ptr<Network> stirred(const ModelConfig& config, std::uint64_t seed = 3) {
  auto network = make_network(config, inputs(), heads(), seed);
  std::uint64_t k = 0;
  for (Parameter& parameter : network->parameters()) {
    const at::Tensor step = noise(parameter.tensor.sizes().vec(), 100 + k++);
    for (std::int64_t i = 0; i < step.numel(); ++i) parameter.tensor.data_ptr<float>()[i] += 0.05F * step.data_ptr<float>()[i];
  }
  return network;
}

std::vector<at::Tensor> gradients(Network& network, const dataset::Batch& batch, std::uint64_t key) {
  std::vector<at::Tensor> leaves;
  for (const Parameter& parameter : network.parameters()) leaves.push_back(parameter.tensor);
  const at::Tensor out = network.forward(batch, {key, true})[0];
  return torch::autograd::grad({(out * out).sum()}, leaves, {}, {}, false, true);
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return false;
    if (a[i].defined() && !at::equal(a[i], b[i])) return false;
  }
  return true;
}

TEST(Network, DefaultModelHasHalfAMillionParametersWithNamesOfTheirOwn) {
  const std::vector<dataset::Input> real{{.name = "clinical", .kind = Kind::vector, .width = 30},
                                         {.name = "slide", .kind = Kind::bag, .width = 384},
                                         {.name = "ct", .kind = Kind::volume, .volume = {2, 16, 32, 32}},
                                         {.name = "report", .kind = Kind::sequence, .width = 512}};
  std::int64_t count = 0;
  std::set<std::string> names;
  const auto network = make_network(ModelConfig{}, real, {{"illness_death", 4, 14, 3, true}}, 1);
  for (const Parameter& parameter : network->parameters()) {
    count += parameter.tensor.numel();
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
    EXPECT_TRUE(parameter.tensor.is_leaf() && parameter.tensor.requires_grad());
  }
  EXPECT_GE(count, 500000);
  EXPECT_LE(count, 2000000);
}

TEST(Network, InitialValuesDependOnSeedAndNameAlone) {
  const auto all = make_network(small(), inputs(), heads(), 7)->parameters();
  const auto one = make_network(small(), {inputs()[1]}, heads(), 7)->parameters();
  const auto other = make_network(small(), inputs(), heads(), 8)->parameters();
  int compared = 0, differ = 0;
  for (const Parameter& a : one)
    for (const Parameter& b : all)
      if (a.name == b.name && a.name.starts_with("encoder.")) {
        EXPECT_TRUE(at::equal(a.tensor, b.tensor)) << a.name;
        ++compared;
      }
  for (std::size_t i = 0; i < all.size(); ++i) differ += at::equal(all[i].tensor, other[i].tensor) ? 0 : 1;
  EXPECT_GT(compared, 5);
  EXPECT_GT(differ, 10);
}

TEST(Network, OutputsHaveTheHeadsShape) {
  const auto network = make_network(small(), inputs(), {{"a", 4, 10, 3, true}, {"b", 1, 6, 1, true}}, 1);
  const auto outputs = network->forward(full(), {1, true});
  EXPECT_EQ(outputs[0].sizes().vec(), (std::vector<std::int64_t>{3, 4, 10, 3}));
  EXPECT_EQ(outputs[1].sizes().vec(), (std::vector<std::int64_t>{3, 1, 6, 1}));
}

TEST(Network, ASlotTwiceOrInTwoThreadsGivesTheSameBits) {
  at::set_num_threads(1);
  const auto network = stirred(small());
  const dataset::Batch batch = batch_of({{1, 1, 1}, {1, 0, 1}, {0, 1, 1}, {1, 1, 0}}, 5);
  const auto once = gradients(*network, batch, 42);
  EXPECT_TRUE(same(once, gradients(*network, batch, 42)));
  EXPECT_FALSE(same(once, gradients(*network, batch, 43)));
  std::vector<std::vector<at::Tensor>> found(2);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      at::set_num_threads(1);
      for (int repeat = 0; repeat < 20; ++repeat) {
        found[t] = gradients(*network, batch, 42);
        if (!same(once, found[t])) return;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(same(once, found[0]));
  EXPECT_TRUE(same(once, found[1]));
}

TEST(Network, EveryParameterLearnsFromACompleteBatch) {
  ModelConfig config = small();
  config.modality_dropout = 0;
  const auto network = stirred(config);
  const auto slopes = gradients(*network, full(), 1);
  const auto parameters = network->parameters();
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    if (parameters[i].name.ends_with(".absent")) continue;
    ASSERT_TRUE(slopes[i].defined()) << parameters[i].name;
    EXPECT_GT(slopes[i].abs().sum().item<float>(), 0) << parameters[i].name;
  }
}

TEST(Network, GradientIsThatOfFiniteDifferences) {
  ModelConfig config = small();
  const auto network = stirred(config);
  const dataset::Batch batch = batch_of({{1, 1, 1}, {1, 0, 1}, {0, 1, 1}, {1, 1, 0}}, 5);
  const auto slopes = gradients(*network, batch, 9);
  const auto parameters = network->parameters();
  const auto loss = [&] {
    const at::Tensor out = network->forward(batch, {9, true})[0].to(at::kDouble);
    return (out * out).sum().item<double>();
  };
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!slopes[i].defined()) continue;
    // Along the gradient, where float noise is smallest.
    const double norm = std::sqrt((slopes[i] * slopes[i]).sum().item<double>());
    if (norm < 1e-3) continue;
    const double step = std::min(2e-3, 2.0 / norm);
    float* values = parameters[i].tensor.data_ptr<float>();
    const at::Tensor kept = parameters[i].tensor.detach().clone(), slope = slopes[i].contiguous();
    const auto at_offset = [&](double offset) {
      for (std::int64_t j = 0; j < kept.numel(); ++j) values[j] = kept.data_ptr<float>()[j] + static_cast<float>(offset / norm) * slope.data_ptr<float>()[j];
      return loss();
    };
    const double difference = (at_offset(step) - at_offset(-step)) / (2 * step);
    at_offset(0);
    EXPECT_NEAR(difference / norm, 1, 0.05) << parameters[i].name;
  }
}

TEST(Network, ValuesOfAMissingInputDoNotMatter) {
  const auto network = stirred(small());
  dataset::Batch a = batch_of({{1, 1, 1}, {1, 1, 1}, {1, 0, 1}, {1, 1, 1}}, 5), b = a;
  b.inputs[2].values = a.inputs[2].values.clone();
  b.inputs[2].values[1].fill_(1e30);
  for (const bool training : {false, true}) EXPECT_TRUE(at::equal(network->forward(a, {4, training})[0], network->forward(b, {4, training})[0]));
  b.inputs[2].values[0].fill_(3);
  EXPECT_FALSE(at::equal(network->forward(a, {4, false})[0], network->forward(b, {4, false})[0]));
}

TEST(Network, AllInputsMissingButOneStillPredicts) {
  const auto network = stirred(small());
  const at::Tensor out = network->forward(batch_of({{1, 1}, {0, 0}, {0, 0}, {0, 0}}, 5), {4, false})[0];
  EXPECT_TRUE(std::isfinite(out.abs().sum().item<float>()));
}

TEST(Network, APatientIsNotChangedByItsNeighbours) {
  const auto network = stirred(small());
  dataset::Batch a = full(), b = a;
  b.inputs[0].values = a.inputs[0].values.clone();
  b.inputs[0].values[2].fill_(5);
  b.inputs[1].values = a.inputs[1].values.clone();
  b.inputs[1].values.narrow(0, a.inputs[1].offsets[2], 3).fill_(5);
  const at::Tensor x = network->forward(a, {0, false})[0], y = network->forward(b, {0, false})[0];
  EXPECT_TRUE(at::equal(x.narrow(0, 0, 2), y.narrow(0, 0, 2)));
  EXPECT_FALSE(at::equal(x[2], y[2]));
}

TEST(Network, ArmsDifferOnlyOnceEffectsAreLearnedAndThePenaltyShrinksThem) {
  const auto fresh = make_network(small(), inputs(), heads(), 1);
  const at::Tensor z = fresh->forward(full(), {0, false})[0];
  for (std::int64_t arm = 1; arm < 4; ++arm) EXPECT_TRUE(at::equal(z.select(1, 0), z.select(1, arm)));
  EXPECT_EQ(fresh->penalty().item<float>(), 0);
  const auto moved = stirred(small());
  EXPECT_GT(moved->penalty().item<float>(), 0);
  EXPECT_FALSE(at::equal(moved->forward(full(), {0, false})[0].select(1, 0), moved->forward(full(), {0, false})[0].select(1, 1)));
}

TEST(Network, RebindingAParametersStorageReachesTheNetwork) {
  const auto network = stirred(small());
  const at::Tensor before = network->forward(full(), {0, false})[0];
  for (Parameter& parameter : network->parameters()) parameter.tensor.set_data(parameter.tensor.detach().clone() * 1.5);
  EXPECT_FALSE(at::equal(before, network->forward(full(), {0, false})[0]));
}

TEST(Masks, DropTheirShareAndDependOnKeyAndLayerAlone) {
  const at::Tensor mask = dropout_mask(17, "layer", {200, 500}, 0.3);
  const double kept = (mask > 0).sum().item<double>() / 1e5;
  EXPECT_NEAR(kept, 0.7, 4 * std::sqrt(0.21 / 1e5));
  EXPECT_NEAR(mask.mean().item<double>(), 1, 0.01);
  EXPECT_TRUE(at::equal(mask, dropout_mask(17, "layer", {200, 500}, 0.3)));
  for (const at::Tensor& other : {dropout_mask(18, "layer", {200, 500}, 0.3), dropout_mask(17, "other", {200, 500}, 0.3)}) {
    const double both = ((mask > 0) * (other > 0)).sum().item<double>() / 1e5;
    EXPECT_NEAR(both, 0.49, 0.01);  // independent
  }
  // Neighbours in a row are independent too.
  const at::Tensor left = mask.narrow(1, 0, 499) > 0, right = mask.narrow(1, 1, 499) > 0;
  EXPECT_NEAR((left * right).sum().item<double>() / (200.0 * 499), 0.49, 0.01);
}

TEST(Masks, ModalityDropoutNeverHidesEverythingNorShowsWhatIsAbsent) {
  std::vector<std::uint8_t> some{1, 0, 1}, one{1, 1, 1};
  double hidden = 0;
  const dataset::Batch batch = batch_of({one, some, one, some}, 1);
  for (std::uint64_t key = 0; key < 2000; ++key) {
    const auto visible = visible_inputs(batch, {key, true}, 0.5);
    for (std::size_t p = 0; p < 3; ++p) {
      int count = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_LE(visible[i][p], batch.inputs[i].present[p]);
        count += visible[i][p];
      }
      EXPECT_GT(count, 0);
      hidden += p == 0 ? 4 - count : 0;
    }
  }
  // Of four inputs half are hidden, but never all: E = 4 * 0.5 - 4 * 0.5^4.
  EXPECT_NEAR(hidden / 2000, 1.75, 0.1);
  EXPECT_EQ(visible_inputs(batch, {1, false}, 0.5)[0], one);
}

TEST(Ragged, PoolingIsSoftmaxMeanAndMaximumOfOwnRows) {
  const at::Tensor values = noise({7, 3}, 1), scores = noise({7, 2}, 2);
  const at::Tensor pooled = ragged_pool(values, scores, {0, 2, 7});
  for (std::int64_t p = 0; p < 2; ++p) {
    const std::int64_t begin = p == 0 ? 0 : 2, n = p == 0 ? 2 : 5;
    const at::Tensor own = values.narrow(0, begin, n);
    const at::Tensor weight = scores.narrow(0, begin, n).softmax(0);
    const at::Tensor expected = at::cat({(weight.select(1, 0).unsqueeze(1) * own).sum(0), (weight.select(1, 1).unsqueeze(1) * own).sum(0), own.mean(0), std::get<0>(own.max(0))});
    EXPECT_LT((pooled[p] - expected).abs().max().item<float>(), 1e-6);
  }
}

TEST(Ragged, SelfAttentionIsThatOfTheTextbook) {
  const at::Tensor qkv = noise({6, 12}, 3);
  const at::Tensor out = ragged_self_attention(qkv, {0, 4, 6}, 2);
  for (const auto& [begin, n] : {std::pair<std::int64_t, std::int64_t>{0, 4}, {4, 2}})
    for (std::int64_t head = 0; head < 2; ++head) {
      const at::Tensor own = qkv.narrow(0, begin, n);
      const at::Tensor q = own.narrow(1, 2 * head, 2), k = own.narrow(1, 4 + 2 * head, 2), v = own.narrow(1, 8 + 2 * head, 2);
      const at::Tensor expected = (q.matmul(k.t()) / std::sqrt(2.0)).softmax(1).matmul(v);
      EXPECT_LT((out.narrow(0, begin, n).narrow(1, 2 * head, 2) - expected).abs().max().item<float>(), 1e-6);
    }
}

TEST(Ragged, AWindowEndsWithItsPatient) {
  const at::Tensor values = noise({5, 2}, 4);
  const at::Tensor window = ragged_window(values, {0, 2, 5});
  EXPECT_TRUE(at::equal(window.narrow(1, 2, 2), values));
  EXPECT_TRUE(at::equal(window[1].narrow(0, 0, 2), values[0]));
  EXPECT_EQ(window[1].narrow(0, 4, 2).abs().sum().item<float>(), 0);  // the next row is another patient's
  EXPECT_EQ(window[2].narrow(0, 0, 2).abs().sum().item<float>(), 0);
  EXPECT_TRUE(at::equal(window[2].narrow(0, 4, 2), values[3]));
}

}  // namespace
}  // namespace hepar::model
