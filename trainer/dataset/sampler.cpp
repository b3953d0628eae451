// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/dataset.hpp"

#include "data/base/random.hpp"

#include <algorithm>
#include <numeric>

namespace hepar::dataset {

Sampler::Sampler(std::vector<std::int64_t> patients, std::uint64_t seed, std::int64_t slots_per_step, std::int64_t patients_per_slot)
    : patients_(std::move(patients)), seed_(seed), slots_(slots_per_step), per_slot_(patients_per_slot) {
  std::sort(patients_.begin(), patients_.end());  // the order must not depend on who lists them
}

std::int64_t Sampler::steps_per_epoch() const {
  const std::int64_t per_step = slots_ * per_slot_;
  return (static_cast<std::int64_t>(patients_.size()) + per_step - 1) / per_step;
}

StepPlan Sampler::step(std::int64_t step) const {
  StepPlan plan;
  if (patients_.empty()) return plan;
  const auto n = static_cast<std::int64_t>(patients_.size());
  plan.epoch = step / steps_per_epoch();
  const std::int64_t begin = (step % steps_per_epoch()) * slots_ * per_slot_, end = std::min(n, begin + slots_ * per_slot_);
  const std::vector<std::int64_t> order = keyed_order(n, {seed_, static_cast<std::uint64_t>(plan.epoch)});
  for (std::int64_t at = begin; at < end; at += per_slot_) {
    Slot slot{.index = (at - begin) / per_slot_, .patients = {}};
    for (std::int64_t i = at; i < std::min(end, at + per_slot_); ++i)
      slot.patients.push_back(patients_[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
    plan.slots.push_back(std::move(slot));
  }
  plan.patients = end - begin;
  return plan;
}

std::vector<std::vector<std::int64_t>> share_out(const StepPlan& plan, std::span<const double> cost_of_patient, int ranks) {
  std::vector<double> cost;
  for (const Slot& slot : plan.slots)
    cost.push_back(std::accumulate(slot.patients.begin(), slot.patients.end(), 0.0,
                                   [&](double sum, std::int64_t p) { return sum + cost_of_patient[static_cast<std::size_t>(p)]; }));
  std::vector<std::size_t> longest(plan.slots.size());
  std::iota(longest.begin(), longest.end(), std::size_t{0});
  std::stable_sort(longest.begin(), longest.end(), [&](std::size_t a, std::size_t b) { return cost[a] > cost[b]; });
  std::vector<std::vector<std::int64_t>> shares(static_cast<std::size_t>(ranks));
  std::vector<double> load(shares.size(), 0.0);
  for (const std::size_t slot : longest) {
    const auto rank = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    shares[rank].push_back(plan.slots[slot].index);
    load[rank] += cost[slot];
  }
  return shares;
}

std::vector<double> patient_costs(const store::Store& store, std::span<const std::string> modalities, std::int64_t bag_cap) {
  // Measured milliseconds, forward and backward, with the default model: only their ratios matter.
  constexpr double kFixed = 0.5, kTile = 0.006, kVoxel = 4e-5, kToken = 0.015;
  std::vector<double> costs(static_cast<std::size_t>(store.patients()), kFixed);
  for (const std::string& name : modalities) {
    const int modality = store.modality(name);
    if (modality < 0) continue;
    const Layout& layout = store.modalities()[static_cast<std::size_t>(modality)].layout;
    if (layout.kind == Kind::vector) continue;
    for (std::int64_t p = 0; p < store.patients(); ++p) {
      const auto items = static_cast<double>(std::min(store.items(modality, p), layout.kind == Kind::bag ? bag_cap : std::int64_t{1} << 40));
      const double each = layout.kind == Kind::bag ? kTile : layout.kind == Kind::sequence ? kToken : kVoxel * static_cast<double>(layout.values_per_item());
      costs[static_cast<std::size_t>(p)] += items * each;
    }
  }
  return costs;
}

}  // namespace hepar::dataset
