// SPDX-License-Identifier: Apache-2.0
// What the engine refuses while it runs: replicas that drifted apart, a BLAS that computes wrongly.
#include "trainer/engine/training.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace hepar::engine {
namespace {

// How many ranks of a group throw when `change` has touched the parameters of the last rank.
int ranks_that_notice(int ranks, const std::function<void(std::vector<float>&)>& change) {
  auto group = collective::make_threads(ranks);
  std::atomic<int> noticed{0};
  std::vector<std::thread> threads;
  for (auto& member : group)
    threads.emplace_back([&] {
      std::vector<float> values(1000, 0.25F);
      if (member->rank() == ranks - 1) change(values);
      try {
        check_replicas(values, *member, 700);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::training);
        EXPECT_NE(std::string(error.what()).find("step 700: the ranks' parameters differ"), std::string::npos) << error.what();
        ++noticed;
      }
    });
  for (std::thread& thread : threads) thread.join();
  return noticed;
}

TEST(ReplicaCheck, PassesEqualParameters) {
  for (const int ranks : {1, 2, 3, 5}) EXPECT_EQ(ranks_that_notice(ranks, [](auto&) {}), 0) << ranks;
}

TEST(ReplicaCheck, EveryRankSeesOneBitThatDiffers) {
  for (const int ranks : {2, 3, 5})
    for (const std::size_t at : {std::size_t{0}, std::size_t{999}})
      EXPECT_EQ(ranks_that_notice(ranks, [&](auto& values) { values[at] = std::nextafter(values[at], 1.0F); }), ranks) << ranks;
}

TEST(ReplicaCheck, SeesAZeroOfTheOtherSign) {
  EXPECT_EQ(ranks_that_notice(2, [](auto& values) { values[3] = 0.0F; }), 2);
}

TEST(Blas, TheSerialOneIsRefusedWithSeveralSlotsAtOnceOnly) {
  const Console quiet(Console::Style::quiet);
  Machine machine;
  machine.blas = BlasFlavour::openblas_serial;
  machine.blas_path = "/usr/lib/openblas-serial/libblas.so.3";
  EXPECT_NO_THROW(check_blas(machine, 1, quiet));
  try {
    check_blas(machine, 2, quiet);
    FAIL() << "the serial OpenBLAS was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("libopenblas0-pthread"), std::string::npos);
  }
  for (const BlasFlavour flavour : {BlasFlavour::openblas_pthread, BlasFlavour::openblas_openmp, BlasFlavour::reference, BlasFlavour::bundled, BlasFlavour::other}) {
    machine.blas = flavour;
    EXPECT_NO_THROW(check_blas(machine, 4, quiet)) << name_of(flavour);
  }
}

}  // namespace
}  // namespace hepar::engine
