// SPDX-License-Identifier: Apache-2.0
// For tests that run under mpirun: every rank runs every test in the same order; rank 0 prints, failures print anywhere.
#pragma once

#include "sharding/mpi/session.hpp"

namespace hepar::mpi {

[[nodiscard]] const Communicator& ranks_world();

}  // namespace hepar::mpi
