// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/collective.hpp"

#include <array>
#include <string>

namespace hepar::collective {

namespace {

std::unique_ptr<Collective> one_rank(const mpi::Communicator& communicator) {
  if (communicator.size() > 1)
    throw usage_error("resources.collective=self is for one rank, and there are " + std::to_string(communicator.size()), {},
                      "give auto or mpi, or start one rank");
  return make_self(communicator.whole(), communicator.standing());
}

struct Backend {
  std::string_view name;
  std::unique_ptr<Collective> (*make)(const mpi::Communicator&);
};
constexpr std::array<Backend, 3> kBackends{{{"self", &one_rank}, {"mpi", &make_mpi}, {"nccl", &make_nccl}}};

std::string_view chosen(const mpi::Communicator& communicator, const Choice& choice) {
  if (choice.backend != "auto") return choice.backend;
  if (communicator.size() == 1) return "self";
  return choice.gradients == Place::device ? "nccl" : "mpi";
}

}  // namespace

std::unique_ptr<Collective> make_collective(const mpi::Communicator& communicator, const Choice& choice) {
  const std::string_view name = chosen(communicator, choice);
  for (const Backend& backend : kBackends) {
    if (backend.name != name) continue;
    std::unique_ptr<Collective> made = backend.make(communicator);
    return choice.check ? make_checked(std::move(made)) : std::move(made);
  }
  throw usage_error("'resources.collective' is '" + choice.backend + "'", {}, "give auto, mpi, nccl or self");
}

}  // namespace hepar::collective
