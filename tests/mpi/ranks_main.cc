// SPDX-License-Identifier: Apache-2.0
// main of every tests/<folder>/ranks/ program (not *.cpp: it is no part of test_mpi itself).
#include "tests/mpi/ranks.hpp"

#include <gtest/gtest.h>

namespace {

const hepar::mpi::Communicator* the_world = nullptr;

// A test that fails on one rank can leave the others waiting: nobody waits longer than this.
constexpr double kDeadlineSeconds = 60;

class OnlyFailures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) std::fprintf(stderr, "rank %d: %s:%d: %s\n", the_world->rank(), result.file_name(), result.line_number(), result.summary());
  }
};

}  // namespace

const hepar::mpi::Communicator& hepar::mpi::ranks_world() { return *the_world; }

int main(int argc, char** argv) {
  hepar::mpi::Session session(argc, argv);
  hepar::mpi::Communicator world = session.world();
  world.set_deadline(kDeadlineSeconds);
  the_world = &world;
  testing::InitGoogleTest(&argc, argv);
  if (!world.root()) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new OnlyFailures);
  }
  const int failed = RUN_ALL_TESTS();
  if (failed != 0) session.abort(failed);
  world.barrier();
  session.finish();
  return 0;
}
