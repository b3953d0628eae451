// SPDX-License-Identifier: Apache-2.0
// What one rank of a training group can ask of all of them. Backends: Self (one rank, the same arithmetic), Thread (ranks as
// threads, for tests), Mpi, Nccl (values on a GPU). Every call is collective and in place; its order is the same on all ranks.
// A wait that takes too long throws ExitCode::rank_failed.
#pragma once

#include "sharding/mpi/session.hpp"
#include "trainer/collective/pending.hpp"
#include "trainer/collective/values.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::collective {

class Collective {
 public:
  // `standing`: in the program; by default, alone and unwatched.
  explicit Collective(mpi::Standing standing);
  virtual ~Collective() = default;
  [[nodiscard]] const mpi::Standing& standing() const { return standing_; }
  [[nodiscard]] mpi::Watch& watch() const { return *standing_.watch; }
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;

  virtual void all_reduce_sum(Values values) = 0;
  // The same, begun: `values` are the collective's until the handle's `wait` has returned. Several may be under way; they
  // take place in the order in which they were begun, and other calls may be made meanwhile. Wait before the group goes.
  [[nodiscard]] virtual Pending start_sum(Values values) = 0;
  // What was begun goes on while this rank computes, at the price of a core or of a stream.
  [[nodiscard]] virtual bool overlaps() const = 0;

  virtual void all_reduce_max(std::span<std::int64_t> values) = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  // Rank-ordered concatenation on `root`; empty elsewhere. Lengths may differ.
  [[nodiscard]] virtual std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;
  // The group is the whole program, not one of several that work side by side.
  [[nodiscard]] virtual bool whole() const = 0;

 private:
  mpi::Standing standing_;
};

// `text` of rank 0, everywhere. Collective.
[[nodiscard]] std::string broadcast_text(Collective& group, const std::string& text);
// Every rank gives its error or none; all throw the error of the lowest failing rank, as an AgreedError. Collective.
void agree(Collective& group, const std::optional<Error>& mine);
// Runs `work` on every rank; when it throws an Error on some, all throw the one of the lowest such rank, as an
// AgreedError. Collective.
void together(Collective& group, const std::function<void()>& work);

[[nodiscard]] std::unique_ptr<Collective> make_self(bool whole = true, mpi::Standing standing = {});
// `ranks` collectives, one for each thread of a test; they share their lifetime's state.
[[nodiscard]] std::vector<std::unique_ptr<Collective>> make_threads(int ranks, double deadline_seconds = 60);
[[nodiscard]] std::unique_ptr<Collective> make_mpi(const mpi::Communicator& communicator);
// Sums values on a GPU a rank by NCCL, and all that lies in host memory by MPI. The device is the rank's among those of its
// host. usage_error, the same on all ranks, where CUDA or NCCL is not there or two ranks would share a device. When NCCL
// fails, stalls beyond the communicator's deadline or hears of another rank's failure, every rank aborts it and throws the
// error of the rank that had one. Collective.
[[nodiscard]] std::unique_ptr<Collective> make_nccl(const mpi::Communicator& communicator);
// What make_nccl would find on this host, for a person: "NCCL 2.28.9, 4 devices", or why it cannot be used.
struct GpuFound { bool usable = false; int devices = 0; std::string text; };
[[nodiscard]] GpuFound find_gpus();

struct Choice {
  std::string backend = "auto";    // auto | self | mpi | nccl
  Place gradients = Place::host;   // where those are that will be summed
  bool check = false;              // make_checked around it
};
// auto: Self for one rank, Nccl for gradients on a GPU, else Mpi. usage_error when what is asked for cannot be. Collective.
[[nodiscard]] std::unique_ptr<Collective> make_collective(const mpi::Communicator& communicator, const Choice& choice = {});
// For debugging: before every call the ranks compare what they call (operation, kind, count, root, how many calls before);
// where they differ, all throw ExitCode::bug naming two ranks and what each called. What is begun then waits for the others.
[[nodiscard]] std::unique_ptr<Collective> make_checked(std::unique_ptr<Collective> group);

}  // namespace hepar::collective
