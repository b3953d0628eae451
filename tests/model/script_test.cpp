// SPDX-License-Identifier: Apache-2.0
// TorchScript modules as encoders: trained along under names of the network, and refused where they break law 2.
#include "trainer/model/network.hpp"

#include "data/base/error.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/script.h>

#include <filesystem>

namespace hepar::model {
namespace {

class Script : public testing::Test {
 protected:
  Script() : path_(std::filesystem::path(testing::TempDir()) / (std::string("hepar_script_") + testing::UnitTest::GetInstance()->current_test_info()->name() + ".pt")) {}
  ~Script() override { std::filesystem::remove(path_); }

  void write(const std::string& arguments, const std::string& body) const {
    torch::jit::Module module("encoder");
    module.register_parameter("weight", at::full({6, 3}, 0.25), false);
    module.register_buffer("count", at::zeros({1}));
    module.define("def forward(self, " + arguments + "):\n" + body);
    module.save(path_.string());
  }
  [[nodiscard]] std::unique_ptr<Network> network(Kind kind) const {
    ModelConfig config;
    config.torchscript = {"x=" + path_.string()};
    return make_network(config, {{.name = "x", .kind = kind, .width = 6}}, {{"h", 1, 4, 1, false}}, 1);
  }
  [[nodiscard]] std::string why_refused(const std::string& body) const {
    write("x", body);
    return network(Kind::vector)->breaks_law_2();
  }

  std::filesystem::path path_;
};

TEST_F(Script, ItsParametersAreTheNetworksAndGetGradients) {
  write("x", "    return torch.tanh(x.matmul(self.weight))\n");
  const auto made = network(Kind::vector);
  std::vector<at::Tensor> leaves;
  std::size_t at = 0;
  for (const Parameter& parameter : made->parameters()) {
    if (parameter.name == "encoder.x.script.weight") at = leaves.size();
    leaves.push_back(parameter.tensor);
  }
  ASSERT_EQ(leaves.at(at).sizes().vec(), (std::vector<std::int64_t>{6, 3}));
  dataset::Batch batch;
  batch.patients = {0, 1};
  batch.inputs = {{at::full({2, 6}, 0.5), {}, {1, 1}}};
  const MaskKey no_masks;
  const at::Tensor before = made->forward(batch, no_masks)[0].detach().clone();
  const auto gradients = torch::autograd::grad({made->forward(batch, no_masks)[0].pow(2).sum()}, leaves, {}, false, false, true);
  EXPECT_TRUE(gradients.at(at).defined());
  // As the arena does: the values lie elsewhere from here on, and the module sees them.
  leaves[at].set_data(at::zeros({6, 3}));
  EXPECT_FALSE(made->forward(batch, no_masks)[0].isnan().any().item<bool>());
  EXPECT_EQ(made->breaks_law_2(), "");
  EXPECT_EQ(before.sizes().vec(), (std::vector<std::int64_t>{2, 1, 4, 1}));
}

TEST_F(Script, BagsComeWithOffsets) {
  write("x, offsets", "    rows = []\n    for p in range(offsets.size(0) - 1):\n        rows.append(x[int(offsets[p]):int(offsets[p + 1])].mean(0).matmul(self.weight))\n    return torch.stack(rows)\n");
  EXPECT_EQ(network(Kind::bag)->breaks_law_2(), "");
}

TEST_F(Script, ChanceIsRefused) { EXPECT_NE(why_refused("    return x.matmul(self.weight) + torch.rand([x.size(0), 3])\n").find("run twice"), std::string::npos); }

TEST_F(Script, MemoryIsRefused) {
  // Its third run is another one than its first two.
  const std::string why = why_refused("    self.count.add_(float(x.size(0) == 3))\n    return x.matmul(self.weight) + self.count\n");
  EXPECT_NE(why.find("remembers"), std::string::npos) << why;
}

TEST_F(Script, NeighboursAreRefused) {
  const std::string why = why_refused("    y = x.matmul(self.weight)\n    return y - y.mean(0, True)\n");
  EXPECT_NE(why.find("depend on the others"), std::string::npos) << why;
}

TEST_F(Script, WhatDoesNotFitIsAnErrorThatNamesTheFile) {
  write("x", "    return x.sum()\n");
  for (const auto& [kind, part] : {std::pair(Kind::vector, "gives no [patients, width]"), std::pair(Kind::bag, "fails")})
    try {
      (void)network(kind);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(path_.string()), std::string::npos) << error.what();
    }
  std::filesystem::remove(path_);
  EXPECT_THROW((void)network(Kind::vector), Error);
}

}  // namespace
}  // namespace hepar::model
