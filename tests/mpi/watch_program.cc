// SPDX-License-Identifier: Apache-2.0
// A program that takes steps on several ranks as a training does, for watch_test.py: FOLDER STALL_SECONDS [RANK PHASE], the
// rank that stays in that phase of step 3 for ever. It needs no LibTorch, and starts at once.
#include "data/base/error.hpp"
#include "sharding/mpi/session.hpp"
#include "sharding/mpi/watch.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSteps = 2000, kStallStep = 3;

struct Plan {
  std::string folder;
  double stall_seconds = 120;
  int rank = -1;
  std::string phase;
};

void take_steps(const hepar::mpi::Communicator& world, const Plan& plan) {
  hepar::StatusFile status(plan.folder + "/status.json");
  if (world.root()) status.begin({.phase = "steps"});
  std::int64_t generation = status.generation();
  world.broadcast(std::as_writable_bytes(std::span(&generation, 1)), 0);
  status.join(generation);
  hepar::mpi::Activity& activity = world.watch().activity();
  const hepar::mpi::Watch::Task publishes = world.watch().on_loss_publish(status, world.standing().ranks);
  activity.begin_steps(plan.stall_seconds);
  for (std::int64_t step = 1; step <= kSteps; ++step) {
    const auto phase = [&](const char* name) {
      const auto scope = activity.begin(name);
      std::this_thread::sleep_for(2ms);
      if (step < kStallStep || world.rank() != plan.rank || plan.phase != name) return;
      if (step == kStallStep) std::fprintf(stderr, "parked\n");
      while (true) std::this_thread::sleep_for(1s);
    };
    {
      const auto slot = activity.begin("slot", [] { return std::string("patients P1, P2"); });
      for (const char* name : {"load", "forward", "backward"}) phase(name);
    }
    std::int64_t one = 1;
    world.all_reduce_sum(std::span(&one, 1));
    phase("optimiser");
    if (world.root()) phase("checkpoint");
    activity.step_done(step, 0.01);
    if (step == 2 && world.root()) std::fprintf(stderr, "working\n");
  }
  activity.end_steps();
}

}  // namespace

int main(int argc, char** argv) {
  hepar::mpi::Session session(argc, argv);
  try {
    if (const std::string why = session.start_watch(); !why.empty()) throw hepar::Error(hepar::ExitCode::bug, why);
    take_steps(session.world(), {argv[1], std::atof(argv[2]), argc > 3 ? std::atoi(argv[3]) : -1, argc > 4 ? argv[4] : ""});
    session.finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hepar: error: %s\n", error.what());
    session.abort(70);
  }
  return 0;
}
