// SPDX-License-Identifier: Apache-2.0
// The thread behind a watch: beats, listening, and what to conclude from silence. Internal to the room.
#pragma once

#include "sharding/mpi/watch.hpp"
#include "sharding/mpi/wire.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

namespace hepar::mpi {

// Another rank, as far as it is heard of here.
struct Peer {
  using Clock = std::chrono::steady_clock;
  int rank = 0;
  Wire wire;
  Clock::time_point heard = Clock::now();
  Doing doing;           // as it last said
  bool leaving = false;  // it has said that it ends
};

struct Watch::Ranks {
  using Clock = std::chrono::steady_clock;
  Watch& watch;
  int rank = 0;
  std::vector<std::string> hosts = {};  // of every rank
  std::vector<int> hubs = {};           // the two that all others talk to
  std::vector<Peer> peers = {};
  std::optional<Clock::time_point> suspected = {};  // when something was first found wrong
  std::optional<Clock::time_point> failing = {};    // when another rank said that it ends the program
  std::atomic<bool> ending{false};                  // no conclusions any more
  std::jthread thread = {};

  [[nodiscard]] std::string meet(int hub, const std::string& word, const Communicator& world);
  void run(const std::stop_token& stop);
  void listen(double seconds);
  void take(Peer& peer, const std::string& line);
  void judge();
  [[nodiscard]] std::string unheard(const Peer& peer) const;  // "died", "has been silent for 10 s …" or ""
  [[nodiscard]] bool speaks(Clock::duration since) const;     // for so long something has been wrong
  void conclude(Loss loss);                                   // does not return, unless this rank is ending by itself
};

}  // namespace hepar::mpi
