// SPDX-License-Identifier: Apache-2.0
// What stands behind a Communicator. For the sources of this room alone (it shows mpi.h).
#pragma once

#include "sharding/mpi/fastest_way.hpp"
#include "sharding/mpi/node_window.hpp"
#include "sharding/mpi/session.hpp"
#include "sharding/mpi/wait.hpp"
#include "sharding/mpi/watch.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace hepar::mpi {

struct Kind {
  MPI_Datatype type;
  std::size_t bytes;
};

struct Communicator::Impl {
  static constexpr double kDeadlineSeconds = 300;
  static constexpr std::size_t kPiece = std::size_t{1} << 28;  // MPI counts are int: longer buffers go in pieces

  MPI_Comm handle = MPI_COMM_NULL;
  MPI_Comm node = MPI_COMM_NULL;
  int rank = 0, size = 1, node_rank = 0, node_size = 1;
  double deadline = kDeadlineSeconds;
  std::size_t piece = kPiece;
  bool owned = false, shares_memory = true;
  std::unique_ptr<NodeWindow> window;  // from the first sum that is large enough
  bool window_made = false;
  FastestWay way;
  std::atomic<bool> abandoned{false};
  Standing standing;

  Impl(MPI_Comm comm, bool own, std::shared_ptr<Watch> watch);
  // Handles are freed by MPI_Finalize or by the end of the process: freeing is collective and may not run while unwinding.
  ~Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] Patience patience(const char* operation) const;
  void wait(MPI_Request& request, const char* operation) const;
  [[nodiscard]] std::int64_t patient_max(std::int64_t value) const;
  void all_reduce(void* data, std::size_t count, Kind kind, MPI_Op op, const char* operation) const;
  template <class T>
  void sum(std::span<T> values, Kind kind);
  [[nodiscard]] bool have_window();
};

}  // namespace hepar::mpi
