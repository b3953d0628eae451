// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/values.hpp"

#include "data/base/random.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace hepar::dataset {
namespace {

constexpr std::int64_t kBagPatients = 512, kBagTiles = 64, kVolumePatients = 256;
constexpr float kVoxelCut = 5;

// Up to `most` of the patients that have the modality, ascending; which ones is a function of their keys alone.
std::vector<std::int64_t> sample(const store::Store& store, int modality, std::span<const std::int64_t> patients, std::int64_t most) {
  std::vector<std::int64_t> have;
  for (const std::int64_t patient : patients)
    if (store.items(modality, patient) > 0) have.push_back(patient);
  if (static_cast<std::int64_t>(have.size()) <= most) return have;
  const auto rank = [&](std::int64_t patient) { return hash_text(store.row(patient).key, 0x5ca1e); };
  std::stable_sort(have.begin(), have.end(), [&](std::int64_t a, std::int64_t b) { return rank(a) < rank(b); });
  have.resize(static_cast<std::size_t>(most));
  std::sort(have.begin(), have.end());
  return have;
}

std::vector<float> read_floats(const store::Store& store, int modality, std::int64_t patient, std::int64_t first, std::int64_t count) {
  const Layout& layout = store.modalities()[static_cast<std::size_t>(modality)].layout;
  const auto n = static_cast<std::size_t>(count * layout.values_per_item());
  std::vector<std::byte> bytes(n * bytes_of(layout.type));
  store.read(modality, patient, first, count, bytes);
  std::vector<float> values(n);
  to_floats(bytes, layout.type, values);
  return values;
}

// Of sorted voxels, those of the body: air around it is half of a scan and a thousand units away, and what differs
// between patients is a tenth of that. Otsu's threshold (1979), used where two classes explain most of the variance
// (2/pi of a normal distribution, three quarters of a uniform one, nearly all of air and tissue).
std::span<const float> foreground(std::span<const float> sorted) {
  constexpr double kTwoClasses = 0.8;
  const auto n = static_cast<double>(sorted.size());
  const double mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / n;
  double variance = 0, below = 0, best = 0;
  for (const float x : sorted) variance += (x - mean) * (x - mean) / n;
  std::size_t first = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    below += sorted[i - 1] - mean;
    if (sorted[i] == sorted[i - 1]) continue;
    const auto count = static_cast<double>(i);
    const double between = below * below / (count * (n - count));
    if (between <= best) continue;
    best = between;
    first = i;
  }
  return best > kTwoClasses * variance ? sorted.subspan(first) : sorted;
}

float inverse(double sd) { return sd > 1e-6 ? static_cast<float>(1 / sd) : 0.0F; }

}  // namespace

void to_floats(std::span<const std::byte> bytes, DType type, std::span<float> out) {
  if (type == DType::float32) {
    std::memcpy(out.data(), bytes.data(), out.size_bytes());
    return;
  }
  std::size_t i = 0;
  for (; i + 8 <= out.size(); i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + 2 * i));
    _mm256_storeu_ps(out.data() + i, _mm256_cvtph_ps(halves));
  }
  for (; i < out.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    out[i] = _cvtsh_ss(half);
  }
}

void standardise_rows(std::span<float> values, std::span<const float> mean, std::span<const float> inverse_sd) {
  const std::size_t width = mean.size();
  for (std::size_t begin = 0; begin < values.size(); begin += width)
    for (std::size_t d = 0; d < width; ++d) values[begin + d] = (values[begin + d] - mean[d]) * inverse_sd[d];
}

void standardise_phase(std::span<float> voxels, float mean, float inverse_sd) {
  for (float& x : voxels) x = std::min(kVoxelCut, std::max(-kVoxelCut, (x - mean) * inverse_sd));
}

BagFit fit_bag(const store::Store& store, int modality, std::span<const std::int64_t> patients) {
  const auto width = static_cast<std::size_t>(store.modalities()[static_cast<std::size_t>(modality)].layout.values_per_item());
  std::vector<double> sum(width), squares(width), mean_sum(width), mean_squares(width), own(width);
  double tiles = 0, bags = 0;
  for (const std::int64_t patient : sample(store, modality, patients, kBagPatients)) {
    const std::int64_t items = store.items(modality, patient), count = std::min(items, kBagTiles);
    const std::vector<float> values = read_floats(store, modality, patient, (items - count) / 2, count);
    std::fill(own.begin(), own.end(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      own[i % width] += values[i];
      squares[i % width] += static_cast<double>(values[i]) * values[i];
    }
    for (std::size_t d = 0; d < width; ++d) {
      sum[d] += own[d];
      mean_sum[d] += own[d] / static_cast<double>(count);
      mean_squares[d] += std::pow(own[d] / static_cast<double>(count), 2);
    }
    tiles += static_cast<double>(count), bags += 1;
  }
  BagFit fit;
  for (std::size_t d = 0; d < width; ++d) {
    const double mean = tiles > 0 ? sum[d] / tiles : 0, sd = tiles > 0 ? std::sqrt(std::max(0.0, squares[d] / tiles - mean * mean)) : 0;
    const double bag_mean = bags > 0 ? mean_sum[d] / bags : 0;
    const double between = bags > 1 ? std::sqrt(std::max(0.0, mean_squares[d] / bags - bag_mean * bag_mean)) : 0;
    fit.scale.mean.push_back(static_cast<float>(mean));
    fit.scale.inverse_sd.push_back(inverse(sd));
    fit.spread.push_back(static_cast<float>(between) * inverse(sd));
  }
  return fit;
}

Transform::Scale fit_volume(const store::Store& store, int modality, std::span<const std::int64_t> patients) {
  const Layout& layout = store.modalities()[static_cast<std::size_t>(modality)].layout;
  const auto phases = static_cast<std::size_t>(layout.item.at(0));
  const auto voxels = static_cast<std::size_t>(layout.values_per_item()) / phases;
  constexpr std::size_t kStride = 7;  // of voxels: coprime to usual grids, a seventh is plenty for three quantiles
  std::vector<std::vector<float>> seen(phases);
  for (const std::int64_t patient : sample(store, modality, patients, kVolumePatients)) {
    const std::vector<float> values = read_floats(store, modality, patient, 0, 1);
    const std::vector<std::uint8_t> present = store.phase_present(modality, patient);
    for (std::size_t phase = 0; phase < phases; ++phase) {
      if (phase < present.size() && present[phase] == 0) continue;
      for (std::size_t v = 0; v < voxels; v += kStride) seen[phase].push_back(values[phase * voxels + v]);
    }
  }
  Transform::Scale scale;
  for (std::vector<float>& phase : seen) {
    if (phase.empty()) {
      scale.mean.push_back(0), scale.inverse_sd.push_back(0);
      continue;
    }
    std::sort(phase.begin(), phase.end());
    const std::span<const float> tissue = foreground(phase);
    const auto quantile = [&](double p) { return static_cast<double>(tissue[static_cast<std::size_t>(p * static_cast<double>(tissue.size() - 1))]); };
    const double middle = quantile(0.5), spread = (quantile(0.9) - quantile(0.1)) / 2.5631;
    double squares = 0;
    for (const float x : tissue) squares += std::pow(x - middle, 2);
    const double sd = std::sqrt(squares / static_cast<double>(tissue.size()));
    scale.mean.push_back(static_cast<float>(middle));
    scale.inverse_sd.push_back(inverse(spread > 1e-3 * sd ? spread : sd));
  }
  return scale;
}

std::int64_t vocabulary(const store::Store& store, int modality, std::span<const std::int64_t> patients) {
  constexpr std::int64_t kStep = 256;  // rounded up, so that one rare word does not change the model's shape
  std::int32_t largest = 0;
  std::vector<std::int32_t> ids;
  for (const std::int64_t patient : patients) {
    const std::int64_t items = store.items(modality, patient);
    if (items == 0) continue;
    ids.resize(static_cast<std::size_t>(items));
    store.read(modality, patient, 0, items, std::as_writable_bytes(std::span(ids)));
    largest = std::max(largest, *std::max_element(ids.begin(), ids.end()));
  }
  return (largest / kStep + 1) * kStep;
}

}  // namespace hepar::dataset
