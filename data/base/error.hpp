// SPDX-License-Identifier: Apache-2.0
// The one exception of Hepar (law 6): what is wrong, where, what to do, and the exit code it ends the program with.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace hepar {

// The meanings are a contract with scripts; the numbers never change.
enum class ExitCode : int {
  done = 0,
  usage = 2,         // command line, configuration, YAML, spec
  input = 3,         // tables, images, slides, reports
  store = 4,         // a store, checkpoint or run is corrupt or does not match
  training = 5,      // training cannot go on
  rank_failed = 6,   // a rank or the network failed, or a fold is missing: run again
  bug = 70,
  disk = 74,
  stopped = 75,      // stopped on request, checkpoint written
};

// A place a person can go to: a file with an optional line, a patient, a rank.
struct Place {
  std::string file;
  int line = 0;  // 1-based; 0: no line

  [[nodiscard]] std::string text() const;  // "file:line", "file" or ""
};

class Error : public std::runtime_error {
 public:
  // `what` and `remedy` are clauses without a final stop. The message reads "where: what; remedy".
  Error(ExitCode code, const std::string& what, const std::string& where = {}, const std::string& remedy = {});

  [[nodiscard]] ExitCode code() const { return code_; }
  // The same error with a place or a circumstance put in front ("patient P17: …").
  [[nodiscard]] Error within(std::string_view circumstance) const;

 private:
  struct Whole {};
  Error(Whole, ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code_;
};

// An error that all ranks of a communicator throw together, with the same code and message (sharding/mpi's `agree`).
class AgreedError : public Error {
 public:
  // `everywhere`: every rank of the program throws it, not only those of a group. `spokesman`: this rank had it first.
  explicit AgreedError(const Error& error, bool everywhere = true, bool spokesman = true) : Error(error), everywhere_(everywhere), spokesman_(spokesman) {}
  [[nodiscard]] bool everywhere() const { return everywhere_; }
  [[nodiscard]] bool spokesman() const { return spokesman_; }

 private:
  bool everywhere_, spokesman_;
};

[[nodiscard]] Error usage_error(const std::string& what, const Place& where = {}, const std::string& remedy = {});
[[nodiscard]] Error input_error(const std::string& what, const Place& where = {}, const std::string& remedy = {});
[[nodiscard]] Error store_error(const std::string& what, const Place& where = {}, const std::string& remedy = {});
// errno is read at the call; ENOSPC, EDQUOT, EROFS, EACCES and EIO each get their own remedy.
[[nodiscard]] Error disk_error(const std::string& what, const Place& where = {});
// What a person is told of an exception of any library: itself, out of memory (exit 5, with the keys to lower), or a bug.
[[nodiscard]] Error as_error(const std::exception& failure);

}  // namespace hepar
