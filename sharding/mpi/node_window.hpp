// SPDX-License-Identifier: Apache-2.0
// Sums over the ranks of a host through memory that they share, and over hosts by one of them each. For the sources of this
// room alone (it shows mpi.h).
#pragma once

#include "sharding/mpi/wait.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace hepar::mpi {

class NodeWindow {
 public:
  // Collective over `all`, whose ranks on this host are `node`. nullptr on every rank where one cannot have its part (no room
  // in /dev/shm, ranks of a host that do not see each other's memory), or where each host has one rank.
  static std::unique_ptr<NodeWindow> make(MPI_Comm all, MPI_Comm node, const Patience& patience);
  NodeWindow(const NodeWindow&) = delete;
  ~NodeWindow();

  // In place, over all ranks, in the order of ranks within a host: floats repeat on the same ranks and hosts. Waits as `wait`.
  void sum(std::span<std::int64_t> values, const Patience& patience);
  void sum(std::span<float> values, const Patience& patience);
  void sum(std::span<double> values, const Patience& patience);

 private:
  struct Shared;
  struct alignas(64) Count {
    std::atomic<std::uint64_t> value;
  };  // a cache line each
  NodeWindow() = default;
  template <class T>
  void sum_pieces(std::span<T> values, MPI_Datatype type, const Patience& patience);
  template <class T>
  void sum_piece(std::span<T> values, MPI_Datatype type, const Patience& patience);
  void wait_for(std::span<const Count> counts, const Patience& patience) const;  // until each has reached this piece
  [[nodiscard]] std::byte* place(int which) const;  // of this piece: 0 the result, r + 1 rank r's
  [[nodiscard]] bool attach(const char* name, bool creates);

  MPI_Comm leaders_ = MPI_COMM_NULL;  // one rank a host; null elsewhere
  int rank_ = 0, ranks_ = 1, hosts_ = 1;
  std::size_t bytes_ = 0, piece_bytes_ = 0;
  Shared* shared_ = nullptr;
  std::uint64_t piece_ = 0;  // pieces summed, this one included
};

}  // namespace hepar::mpi
