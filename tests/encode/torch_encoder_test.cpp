// SPDX-License-Identifier: Apache-2.0
// TorchScript encoders: what they compute, that padding changes nothing, and every way in which they do not fit.
#include "data/base/error.hpp"
#include "trainer/encode/torch_encoder.hpp"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <fstream>

namespace hepar::encode {
namespace {

namespace fs = std::filesystem;

class Torch : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("hepar_encode_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    modality_.name = "slide";
    modality_.kind = Kind::bag;
    modality_.tile = 16;
    modality_.encoder = "net.pt";
    modality_.place.file = (folder_ / "cohort.yaml").string();
  }
  void TearDown() override { fs::remove_all(folder_); }
  // Mean and largest value of each channel: six features.
  void write_network(const std::string& body = "return torch.cat([x.mean([2, 3]), x.amax([2, 3])], 1)") const {
    torch::jit::Module module("net");
    module.define("def forward(self, x):\n    " + body + "\n");
    module.save((folder_ / "net.pt").string());
  }
  void write_card(const std::string& text) const { std::ofstream(folder_ / "net.json") << text; }
  static std::string card(const std::string& more = "", const std::string& dim = "6") {
    return R"({"tile": 16, "um_per_pixel": 0.5, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.1], "dim": )" + dim + R"(, "batch": 4)" + more + "}";
  }
  std::string refusal() const {
    try {
      static_cast<void>(torch_encoder(modality_));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_;
  ModalitySpec modality_;
};

TEST_F(Torch, FeaturesAreThoseOfTheNormalisedTile) {
  write_network();
  write_card(card());
  const auto encoder = torch_encoder(modality_);
  EXPECT_EQ(encoder->width(), 6);
  EXPECT_EQ(encoder->batch(), 4u);
  EXPECT_TRUE(encoder->overlaps());
  EXPECT_NE(encoder->identity().find("sha256:"), std::string::npos);
  std::vector<std::uint8_t> rgb;
  for (int i = 0; i < 256; ++i)
    for (const int c : {51, 102, 153}) rgb.push_back(static_cast<std::uint8_t>(c + (i % 2)));
  std::vector<float> features(6);
  encoder->encode(rgb, 1, features);
  EXPECT_NEAR(features[0], ((51.5 / 255) - 0.5) / 0.2, 1e-4);
  EXPECT_NEAR(features[2], ((153.5 / 255) - 0.3) / 0.1, 1e-4);
  EXPECT_NEAR(features[4], ((103.0 / 255) - 0.4) / 0.2, 1e-4);
}

TEST_F(Torch, ATilesBitsAreItsOwnWhateverComesWithIt) {
  write_network("return torch.matmul(x.flatten(1)[:, :96].reshape([-1, 6, 16]), torch.ones([16, 1]) / 3.0).squeeze(2)");
  write_card(card());
  const auto encoder = torch_encoder(modality_);
  constexpr std::size_t kTiles = 11, kBytes = 16 * 16 * 3;
  std::vector<std::uint8_t> rgb(kTiles * kBytes);
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
  std::vector<float> together(kTiles * 6), alone(6);
  encoder->encode(rgb, kTiles, together);
  for (std::size_t t = 0; t < kTiles; ++t) {
    encoder->encode(std::span(rgb).subspan(t * kBytes, kBytes), 1, alone);
    EXPECT_EQ(std::vector<float>(together.begin() + static_cast<std::ptrdiff_t>(6 * t), together.begin() + static_cast<std::ptrdiff_t>(6 * t + 6)), alone) << t;
  }
}

TEST_F(Torch, WhatDoesNotFitIsRefusedByName) {
  EXPECT_NE(refusal().find("no file beside the cohort"), std::string::npos);
  write_network();
  EXPECT_NE(refusal().find("card is not there"), std::string::npos);
  write_card("{");
  EXPECT_NE(refusal().find("no card"), std::string::npos);
  write_card(card(R"(, "precison": "fp32")"));
  EXPECT_NE(refusal().find("precision"), std::string::npos) << "the nearest key is named";
  write_card(card("", "7"));
  EXPECT_NE(refusal().find("6 values"), std::string::npos) << refusal();
  write_card(card());
  modality_.tile = 32;
  EXPECT_NE(refusal().find("set 'tile: 16'"), std::string::npos);
  modality_.tile = 16;
  modality_.um_per_pixel = 1;
  EXPECT_NE(refusal().find("0.5"), std::string::npos);
  modality_.um_per_pixel = 0.5;
  write_network("return torch.matmul(x, torch.ones([3, 3]))");
  EXPECT_NE(refusal().find("refuses its input"), std::string::npos) << refusal();
  std::ofstream(folder_ / "net.pt") << "weights";
  EXPECT_NE(refusal().find("cannot be loaded"), std::string::npos);
}

TEST_F(Torch, TheGoldenTileTellsAnotherNetwork) {
  write_network();
  double sum = 0;
  const std::vector<std::uint8_t> tile = golden_tile(16);
  for (std::size_t i = 0; i < tile.size(); i += 3) sum += tile[i];
  const double golden = (sum / 256 / 255 - 0.5) / 0.2;
  write_card(card(R"(, "golden": {"features": [)" + std::to_string(golden) + "]}"));
  EXPECT_EQ(refusal(), "accepted");
  write_card(card(R"(, "golden": {"features": [)" + std::to_string(golden * 1.01) + "]}"));
  EXPECT_NE(refusal().find("golden tile"), std::string::npos);
}

}  // namespace
}  // namespace hepar::encode
