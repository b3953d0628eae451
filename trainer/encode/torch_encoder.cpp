// SPDX-License-Identifier: Apache-2.0
#include "trainer/encode/torch_encoder.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/version.h>

#include <cmath>
#include <cstring>

namespace hepar::encode {

namespace {

constexpr double kScaleTolerance = 0.05;

// One line of what LibTorch says: its first, or of the interpreter's trace the last, where the reason stands.
std::string one_line(const std::exception& error) {
  if (const auto* checked = dynamic_cast<const c10::Error*>(&error)) {
    const std::string text = checked->what_without_backtrace();
    return text.substr(0, text.find('\n'));
  }
  std::string text = error.what();
  text.erase(text.find_last_not_of("\n ") + 1);
  return text.substr(text.rfind('\n') + 1);
}

class TorchEncoder final : public pathology::TileEncoder {
 public:
  TorchEncoder(const fs::path& file, EncoderCard card) : card_(std::move(card)), place_{file.string()}, identity_(file.stem().string() + " sha256:" + sha256_file(file)) {
    try {
      module_ = torch::jit::load(file.string(), torch::kCPU);
      module_.eval();
      if (card_.precision == "bf16") module_.to(torch::kBFloat16);
    } catch (const std::exception& error) {
      throw usage_error("the encoder cannot be loaded: " + one_line(error), place_, "export it as TorchScript for LibTorch " TORCH_VERSION " or older");
    }
    mean_ = torch::from_blob(card_.mean.data(), {1, 3, 1, 1}).clone();
    std_ = torch::from_blob(card_.std.data(), {1, 3, 1, 1}).clone();
    check_golden();
  }

  [[nodiscard]] std::int64_t width() const override { return card_.dim; }
  [[nodiscard]] int tile_pixels() const override { return card_.tile; }
  [[nodiscard]] std::string identity() const override { return identity_; }
  [[nodiscard]] std::size_t batch() const override { return card_.batch; }
  [[nodiscard]] bool overlaps() const override { return true; }

  void encode(std::span<const std::uint8_t> rgb, std::size_t tiles, std::span<float> features) override {
    const std::size_t bytes = tile_bytes(), width = static_cast<std::size_t>(card_.dim);
    for (std::size_t first = 0; first < tiles; first += card_.batch) {
      const std::size_t count = std::min(card_.batch, tiles - first);
      const torch::Tensor out = run(rgb.subspan(first * bytes, count * bytes));
      std::memcpy(features.data() + first * width, out.data_ptr<float>(), count * width * sizeof(float));
    }
  }

 private:
  [[nodiscard]] std::size_t tile_bytes() const { return static_cast<std::size_t>(card_.tile) * static_cast<std::size_t>(card_.tile) * 3; }

  // A whole batch, padded with black tiles: the network always sees one shape, so a tile's bits are its own.
  torch::Tensor run(std::span<const std::uint8_t> rgb) {
    const auto batch = static_cast<std::int64_t>(card_.batch);
    torch::Tensor pixels = torch::zeros({batch, card_.tile, card_.tile, 3}, torch::kUInt8);
    std::memcpy(pixels.data_ptr<std::uint8_t>(), rgb.data(), rgb.size());
    try {
      const torch::NoGradGuard no_gradients;
      torch::Tensor input = pixels.permute({0, 3, 1, 2}).contiguous().to(torch::kFloat32).div_(255).sub_(mean_).div_(std_);
      if (card_.precision == "bf16") input = input.to(torch::kBFloat16);
      const torch::IValue answer = module_.forward({input});
      if (!answer.isTensor()) throw usage_error("the encoder gives no tensor", place_);
      torch::Tensor out = answer.toTensor().to(torch::kFloat32).flatten(1).contiguous();
      if (out.size(0) != batch || out.size(1) != card_.dim)
        throw usage_error(fmt::format("the encoder gives {} x {} values for a batch of {}, its card says dim {}", out.size(0), out.size(1), batch, card_.dim), place_, "correct the card");
      return out;
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw usage_error("the encoder refuses its input: " + one_line(error), place_, "check 'tile' and 'precision' in its card");
    }
  }

  void check_golden() {
    const torch::Tensor out = run(golden_tile(card_.tile));
    double largest = 0;
    for (const float value : card_.golden) largest = std::max(largest, static_cast<double>(std::abs(value)));
    for (std::size_t i = 0; i < card_.golden.size(); ++i) {
      const float got = out.data_ptr<float>()[i];
      if (!(std::abs(got - card_.golden[i]) <= card_.tolerance * largest))
        throw usage_error(fmt::format("feature {} of the golden tile is {}, its card says {}", i, got, card_.golden[i]), place_, "the file, its card or this LibTorch is not the one that made them");
    }
  }

  EncoderCard card_;
  Place place_;
  std::string identity_;
  torch::jit::script::Module module_;
  torch::Tensor mean_, std_;
};

}  // namespace

std::shared_ptr<pathology::TileEncoder> torch_encoder(const ModalitySpec& modality) {
  fs::path file(modality.encoder);
  if (file.is_relative()) file = fs::path(modality.place.file).parent_path() / file;
  std::error_code missing;
  if (!fs::is_regular_file(file, missing))
    throw usage_error("modality " + modality.name + " names the encoder '" + modality.encoder + "', which is no file beside the cohort", modality.place, "known by name: builtin");
  fs::path json = file;
  EncoderCard card = read_card(json.replace_extension(".json"));
  if (card.tile != modality.tile)
    throw usage_error(fmt::format("modality {} has tiles of {} px, its encoder takes {}", modality.name, modality.tile, card.tile), modality.place, fmt::format("set 'tile: {}'", card.tile));
  if (std::abs(card.um_per_pixel / modality.um_per_pixel - 1) > kScaleTolerance)
    throw usage_error(fmt::format("modality {} has {} um per pixel, its encoder was made for {}", modality.name, modality.um_per_pixel, card.um_per_pixel), modality.place,
                      fmt::format("set 'um_per_pixel: {}'", card.um_per_pixel));
  return std::make_shared<TorchEncoder>(file, std::move(card));
}

}  // namespace hepar::encode
