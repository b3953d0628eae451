// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/abdomen.hpp"

#include "data/base/random.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hepar::synthetic {

namespace {

constexpr double kFat = -95, kBone = 320, kLung = -840;
// How much of the latents a scan shows: HU per unit in the lesion, and in the parenchyma that shares its arterial supply.
constexpr double kArterialShown = 22, kPortalShown = 18, kParenchymaShown = 13;

double ellipse(double x, double y, double z, const std::array<double, 3>& at, const std::array<double, 3>& half) {
  return std::pow((x - at[0]) / half[0], 2) + std::pow((y - at[1]) / half[1], 2) + std::pow((z - at[2]) / half[2], 2);
}

}  // namespace

Abdomen::Abdomen(const Options& options, const Person& p, double half_height, bool resected) : resected_(resected) {
  Stream s({options.seed, 411, static_cast<std::uint64_t>(p.number)});
  radius_ = std::clamp(p.size_cm, 2.5, 12.0) * 5;
  // Somewhere in the liver, and whole within the scan.
  const double room = std::max(0.0, 1 - radius_ / 75), turn = 2 * std::numbers::pi * s.uniform();
  lesion_ = {kLiver[0] + room * 70 * std::cos(turn), kLiver[1] + room * 55 * std::sin(turn),
             (2 * s.uniform() - 1) * std::max(0.0, std::min(half_height - radius_ - 5, 45.0))};
  for (double& bump : bumps_) bump = 0.25 * s.normal();
  const double shift = 6 * s.normal();
  for (double& hu : tissue_.liver) hu += shift;
  tissue_.liver[arterial] += kParenchymaShown * p.painted[0];
  tissue_.liver[portal] += kParenchymaShown * p.painted[1];
  tissue_.lesion[arterial] += kArterialShown * p.painted[0];
  tissue_.lesion[portal] += kPortalShown * p.painted[1];
  liver_half_ = resected ? std::array<double, 3>{75, 70, 70} : std::array<double, 3>{100, 85, 85};
}

bool Abdomen::in_lesion(double x, double y, double z) const {
  if (resected_) return false;
  const double dx = x - lesion_[0], dy = y - lesion_[1], dz = z - lesion_[2], square = dx * dx + dy * dy + dz * dz;
  if (square > 2.2 * radius_ * radius_) return false;
  const double bump = square > 0 ? (bumps_[0] * dx * dy + bumps_[1] * dy * dz + bumps_[2] * dx * dz) / square : 0;
  return std::sqrt(square) < radius_ * (1 + bump);
}

double Abdomen::hu(Phase phase, double x, double y, double z) const {
  const double body = std::pow(x / 165, 2) + std::pow(y / 118, 2);
  if (body > 1) return kAir;
  if (std::hypot(x, y - 72) < 18) return kBone;
  if (std::hypot(x - 8, y - 40) < 11) return tissue_.aorta[phase];
  const double liver = ellipse(x, y, z, kLiver, liver_half_);
  if (in_lesion(x, y, z)) return tissue_.liver[phase] + tissue_.lesion[phase];
  if (liver < 1) return tissue_.liver[phase];
  if (ellipse(x, y, z, {105, 35, 5}, {32, 45, 45}) < 1) return tissue_.spleen[phase];
  if (z > 68 && body < 0.7 && y < 60) return kLung;
  return body > 0.8 ? kFat : body > 0.62 ? tissue_.muscle[phase] : kFat + 60;
}

}  // namespace hepar::synthetic
