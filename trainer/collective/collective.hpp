// SPDX-License-Identifier: Apache-2.0
// What one rank of a training group can ask of all of them. Backends: Self (one rank, the same arithmetic), Mpi; Thread
// and Nccl join behind the same calls. Every call is collective and in place; order is the same on all ranks.
#pragma once

#include "sharding/mpi/session.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace hepar::collective {

class Collective {
 public:
  virtual ~Collective() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  virtual void all_reduce_sum(std::span<std::int64_t> values) = 0;
  virtual void all_reduce_sum(std::span<float> values) = 0;
  virtual void all_reduce_sum(std::span<double> values) = 0;
  virtual void all_reduce_max(std::span<std::int64_t> values) = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  // Rank-ordered concatenation on `root`; empty elsewhere. Lengths may differ.
  [[nodiscard]] virtual std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;
};

[[nodiscard]] std::unique_ptr<Collective> make_self();
[[nodiscard]] std::unique_ptr<Collective> make_mpi(const mpi::Communicator& communicator);
// Self for one rank, else Mpi.
[[nodiscard]] std::unique_ptr<Collective> make_collective(const mpi::Communicator& communicator);

}  // namespace hepar::collective
