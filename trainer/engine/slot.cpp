// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/slot.hpp"

#include "data/base/text.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include <new>
#include <optional>

namespace hepar::engine {

dataset::Batch read_batch(const Learner& learner, const std::vector<std::int64_t>& patients, std::uint64_t key) {
  return learner.transform.batch(learner.staging != nullptr ? learner.staging->store() : learner.store, patients, learner.config.bag_cap, key);
}

at::Tensor loss_of(const Learner& learner, const model::Network& network, const dataset::Batch& batch, std::uint64_t key, double denominator) {
  const std::vector<at::Tensor> outputs = network.forward(batch, {key, true});
  at::Tensor loss;
  for (std::size_t h = 0; h < learner.heads.size(); ++h) {
    std::vector<objective::Subject> subjects;
    for (const std::int64_t p : batch.patients) subjects.push_back(learner.subjects[h][static_cast<std::size_t>(p)]);
    const at::Tensor nll = objective::negative_log_likelihood(learner.heads[h], outputs[h], subjects);
    loss = loss.defined() ? at::add(loss, nll) : nll;
  }
  // The penalty is shared out by patients, so that the step's sum holds it once.
  return at::add(at::mul(loss, 1 / denominator), network.penalty(), static_cast<double>(batch.patients.size()) / denominator);
}

void within_memory(const Learner& learner, const std::string& slot, const std::vector<std::int64_t>& patients, const std::function<void()>& work) {
  const auto names = [&] {
    std::vector<std::string> keys;
    for (const std::int64_t p : patients) keys.push_back(learner.store.row(p).key);
    return "patients " + join(keys, ", ");
  };
  std::optional<mpi::Activity::Scope> told;
  if (learner.activity != nullptr) told.emplace(learner.activity->begin("slot", names));
  const auto refuse = [&] {
    throw Error(ExitCode::training, "memory is used up in " + slot + ", " + names(), {},
                "lower train.bag_cap (" + std::to_string(learner.config.bag_cap) + "), train.patients_per_slot (" + std::to_string(learner.config.patients_per_slot) + ") or resources.slots_at_once");
  };
  try {
    work();
  } catch (const std::bad_alloc&) {
    refuse();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    // LibTorch's allocators throw their own exceptions, named by these words from 1.13 to 2.x.
    const std::string_view what(error.what());
    if (what.find("can't allocate memory") == std::string_view::npos && what.find("out of memory") == std::string_view::npos) throw;
    refuse();
  }
}

}  // namespace hepar::engine
