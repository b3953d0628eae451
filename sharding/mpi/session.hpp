// SPDX-License-Identifier: Apache-2.0
// MPI for the rooms above: the session (outermost object of main), communicators, agreed verdicts, a work queue.
// No mpi.h in this header. Every call marked "collective" must be made by all ranks of the communicator.
#pragma once

#include "data/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hepar::mpi {

class Watch;

// Where the ranks of a communicator stand in the program: what watches them all, and their numbers in the world.
struct Standing {
  std::shared_ptr<Watch> watch;
  std::vector<int> ranks;
};

// A communicator. Copies share the handle. Waits poll with a deadline (default 300 s) and throw ExitCode::rank_failed
// naming the operation.
class Communicator {
 public:
  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  [[nodiscard]] bool root() const { return rank() == 0; }
  [[nodiscard]] int node_rank() const;   // rank among the ranks of this host
  [[nodiscard]] int node_size() const;

  void barrier() const;                                                       // collective
  void all_reduce_sum(std::span<std::int64_t> values) const;                  // collective, in place
  void all_reduce_sum(std::span<float> values) const;
  void all_reduce_sum(std::span<double> values) const;
  void all_reduce_max(std::span<std::int64_t> values) const;
  [[nodiscard]] std::int64_t patient_max(std::int64_t value) const;           // collective, waits without a deadline
  void broadcast(std::span<std::byte> bytes, int root) const;                 // collective, same size everywhere
  [[nodiscard]] std::string broadcast_text(const std::string& text, int root) const;            // collective
  [[nodiscard]] std::vector<std::string> gather_texts(const std::string& text, int root) const; // collective; others: {}
  [[nodiscard]] std::vector<std::string> all_gather_texts(const std::string& text) const;       // collective

  [[nodiscard]] Communicator split(int colour, int key) const;                // collective
  [[nodiscard]] double deadline() const;                                      // seconds
  void set_deadline(double seconds);
  void set_longest_call(std::size_t elements);                                // for tests: MPI counts are int, longer buffers go in pieces
  void set_shared_memory(bool use);                                           // for long sums of ranks of a host; default: yes. The same on all ranks
  // Waits under way and to come throw soon: this rank is failing, and buffers that MPI was given are about to go. From any thread.
  void abandon() const;
  [[nodiscard]] Watch& watch() const;                                         // the program's
  [[nodiscard]] Standing standing() const;
  [[nodiscard]] bool whole() const;                                           // the session's world, not a split of it

  // The MPI handle for the one other room that needs it (trainer/collective): MPI_Fint, never MPI_Comm.
  [[nodiscard]] int fortran_handle() const;  // -1: alone, MPI was never started

 private:
  friend class Session;
  struct Impl;
  explicit Communicator(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

[[nodiscard]] std::string library_version();  // "Open MPI v4.1.4"

// Initialises MPI (MPI_THREAD_MULTIPLE asked for) unless the process was started without a launcher; finalises only
// through `finish`. The destructor never calls MPI_Finalize (unwinding through it hangs).
class Session {
 public:
  Session(int& argc, char**& argv);
  Session(const Session&) = delete;
  ~Session();

  [[nodiscard]] const Communicator& world() const;
  // From here on the ranks watch each other (watch.hpp), unless there is one, or HEPAR_WATCH=off. Collective; returns why
  // they cannot, or "".
  [[nodiscard]] std::string start_watch() const;
  void finish();                              // collective; the good path, or an error that all ranks have
  [[noreturn]] void abort(int code) const;    // MPI_Abort, or exit when alone

 private:
  Communicator world_;
};

// Ends a stage together: every rank gives its error or none; all ranks throw the error of the lowest failing rank, with
// its code and message, as an AgreedError. Collective; without a deadline, since stages end at different times.
void agree(const Communicator& world, const std::optional<Error>& mine);

// Runs `work` on every rank and then `agree`s on what it threw. Collective.
void together(const Communicator& world, const std::function<void()>& work);

// Hands out task numbers 0 … tasks-1 in that order, each once, to whichever rank asks first. Rank 0 works too; a thread of
// its own answers the others meanwhile. `progress` (rank 0, the calling thread) is told how many are finished. When a
// task throws, no further task begins and all ranks throw together. Collective; returns when all tasks are done.
void work_queue(const Communicator& world, std::int64_t tasks, const std::function<void(std::int64_t task)>& work,
                const std::function<void(std::int64_t finished)>& progress = {});

}  // namespace hepar::mpi
