// SPDX-License-Identifier: Apache-2.0
// A command of the program: its name, its option rows, its story. One file a command; commands.cpp lists them in order.
#pragma once

#include "data/base/log.hpp"
#include "data/base/options.hpp"
#include "sharding/mpi/session.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::program {

// What every command gets. stdout is for results (rank 0 only), `console` for progress and notes (silent on other ranks).
struct Context {
  const mpi::Communicator& world;
  const Console& console;
};

class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;        // "shard", "cohort check"
  [[nodiscard]] virtual std::string_view summary() const = 0;     // one clause
  [[nodiscard]] virtual std::string_view example() const = 0;
  [[nodiscard]] virtual std::vector<Row> rows() = 0;              // bound to this object's members
  // Positional words that are no options (inspect PATH…); empty name: none are taken.
  [[nodiscard]] virtual std::string_view positional() const { return {}; }
  // Called by all ranks, collective. Throws Error.
  [[nodiscard]] virtual ExitCode run(const Context& context, const std::vector<std::string>& words) = 0;
};

// The commands, in the order of the help page.
[[nodiscard]] std::vector<std::unique_ptr<Command>> commands();

}  // namespace hepar::program
