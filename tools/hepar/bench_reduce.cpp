// SPDX-License-Identifier: Apache-2.0
// Sums over ranks: ours beside plain MPI_Allreduce and beside one memcpy of the buffer, which no sum on one host can beat.
#include "tools/hepar/bench_figures.hpp"
#include "trainer/collective/collective.hpp"
#include "trainer/engine/rehearsal.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <cstring>

namespace hepar::program {

namespace {

constexpr std::size_t kKiB = 1024;

std::string size_text(std::size_t bytes) { return bytes < kKiB * kKiB ? fmt::format("{} KiB", bytes / kKiB) : fmt::format("{} MiB", bytes / kKiB / kKiB); }

void one_size(const BenchRequest& request, collective::Collective& group, std::size_t bytes, Figures& figures) {
  const std::string size = size_text(bytes);
  std::vector<float> floats(bytes / sizeof(float)), other(floats.size()), target(floats.size());
  std::vector<std::int64_t> integers(bytes / sizeof(std::int64_t), 1);
  const int handle = request.context.world.fortran_handle();
  // Short sums are repeated, so that the clock's own cost does not count.
  const int repeats = static_cast<int>(std::max<std::size_t>(1, 256 * kKiB / bytes));
  const auto microseconds = [&](const std::function<void()>& work) {
    group.barrier();
    return 1e6 / repeats * seconds_of([&] {
      for (int i = 0; i < repeats; ++i) work();
    });
  };
  for (int round = 0; round <= request.rounds; ++round) {
    const double copy = microseconds([&] { std::memcpy(target.data(), floats.data(), bytes); });
    const double ours = microseconds([&] { group.all_reduce_sum(std::span(floats)); });
    const double integer = microseconds([&] { group.all_reduce_sum(std::span(integers)); });
    double plain = 0;
    const int count = static_cast<int>(other.size());
    if (handle >= 0) plain = microseconds([&] { MPI_Allreduce(MPI_IN_PLACE, other.data(), count, MPI_FLOAT, MPI_SUM, MPI_Comm_f2c(handle)); });
    if (round == 0) continue;  // warm-up
    figures.add(size + ", memcpy", "us", copy);
    if (group.size() == 1) continue;
    figures.add(size + ", ours, float", "us", ours);
    figures.add(size + ", ours, int64", "us", integer);
    figures.add(size + ", MPI_Allreduce, float", "us", plain);
  }
  if (group.size() > 1) figures.add_ratio(size + ", ours / MPI_Allreduce", size + ", ours, float", size + ", MPI_Allreduce, float");
}

}  // namespace

Figures bench_reduce(const BenchRequest& request) {
  Figures figures;
  const auto group = collective::make_collective(request.context.world);
  std::vector<std::size_t> sizes{4 * kKiB, 64 * kKiB, kKiB * kKiB};
  if (!request.small) sizes.insert(sizes.end(), {4 * kKiB * kKiB, 25 * kKiB * kKiB, 100 * kKiB * kKiB});
  for (const std::size_t bytes : sizes) one_size(request, *group, bytes, figures);
  if (group->size() == 1) figures.note("one rank has nothing to sum: start with mpirun -n 2");
  constexpr std::size_t kMillion = 1000000;
  const std::size_t count = request.small ? kMillion / 100 : kMillion;
  const engine::AddTimes adding = engine::time_adding(count, request.rounds + 1);
  for (std::size_t i = 1; i < adding.floats.size(); ++i) {
    figures.add("1 M gradients, fixed point", "ms", 1e3 * adding.fixed_point[i] * static_cast<double>(kMillion) / static_cast<double>(count));
    figures.add("1 M gradients, float", "ms", 1e3 * adding.floats[i] * static_cast<double>(kMillion) / static_cast<double>(count));
  }
  figures.add_ratio("fixed point / float", "1 M gradients, fixed point", "1 M gradients, float");
  return figures;
}

}  // namespace hepar::program
