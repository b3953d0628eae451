// SPDX-License-Identifier: Apache-2.0
#include "tests/collective/contract.hpp"
#include "tests/mpi/ranks.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>

namespace hepar::collective {
namespace {

TEST(Mpi, KeepsTheContract) {
  const auto group = make_collective(mpi::ranks_world());
  EXPECT_EQ(group->name(), group->size() == 1 ? "self" : "mpi");
  EXPECT_TRUE(group->whole());
  contract(*group);
}

TEST(Mpi, KeepsItInPieces) {
  mpi::Communicator part = mpi::ranks_world().split(0, mpi::ranks_world().rank());
  part.set_shared_memory(false);
  part.set_longest_call(1021);
  contract(*make_mpi(part));
}

TEST(Mpi, KeepsItWithoutSharedMemory) {
  mpi::Communicator part = mpi::ranks_world().split(0, mpi::ranks_world().rank());
  part.set_shared_memory(false);
  contract(*make_mpi(part));
}

// Lengths around the border between MPI and shared memory, and around its pieces; every element in its place.
TEST(Mpi, LongSumsAreWholeAtEveryLength) {
  const auto group = make_mpi(mpi::ranks_world());
  for (const std::size_t count : {16383U, 16384U, 16385U, 65535U, 65536U, 65537U, 131072U, 200003U, 1000001U}) {
    std::vector<std::int64_t> values = whole_numbers(*group, count);
    group->all_reduce_sum(values);
    expect_whole_sums(values, group->size());
  }
}

// One rank without room for its part, and all sum by MPI; nothing is left behind in either case.
TEST(Mpi, KeepsItWhereTheSharedMemoryHasNoRoom) {
  const mpi::Communicator part = mpi::ranks_world().split(0, mpi::ranks_world().rank());
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  if (part.root()) {
    const rlimit small{1 << 16, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  contract(*make_mpi(part));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const std::string mine = "hepar-" + std::to_string(::getpid()) + "-";
  for (const auto& file : std::filesystem::directory_iterator("/dev/shm")) EXPECT_NE(file.path().filename().string().rfind(mine, 0), 0U) << file.path();
}

TEST(Mpi, IsToldOfDifferentCalls) { different_calls_are_told(*make_checked(make_mpi(mpi::ranks_world()))); }

TEST(Mpi, PartsOfTheWorldKeepItSideBySide) {
  const mpi::Communicator& world = mpi::ranks_world();
  const auto group = make_collective(world.split(world.rank() % 2, world.rank()));
  EXPECT_EQ(group->whole(), false);
  contract(*group);
}

TEST(Mpi, AHandleThatIsDroppedGivesUp) {
  const auto group = make_mpi(mpi::ranks_world().split(0, mpi::ranks_world().rank()));
  if (group->size() == 1) return;
  const auto start = std::chrono::steady_clock::now();
  if (group->rank() == 0) {
    std::vector<float> values(3);
    const Pending dropped = group->start_sum(values);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace hepar::collective
