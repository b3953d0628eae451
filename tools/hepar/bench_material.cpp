// SPDX-License-Identifier: Apache-2.0
// Stores of random patients, for measuring alone: nothing can be learned from them.
#include "data/base/random.hpp"
#include "sharding/store/writer.hpp"
#include "tools/hepar/bench_figures.hpp"

#include <unistd.h>

#include <cstring>

namespace hepar::program {

namespace {

constexpr std::int64_t kTileWidth = 384, kColumns = 24, kTokens = 80, kVocabulary = 900, kVoxels = 2 * 16 * 32 * 32;

std::vector<std::byte> random_halves(Stream& random, std::int64_t count, double mean, double sd) {
  // Draws repeat after a block: reading and computing cost the same, making the store does not.
  constexpr std::int64_t kBlock = 4096;
  std::vector<std::uint16_t> block;
  for (std::int64_t i = 0; i < std::min(count, kBlock); ++i) block.push_back(to_half(static_cast<float>(mean + sd * random.normal())));
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * sizeof(std::uint16_t));
  for (std::size_t at = 0; at < bytes.size(); at += block.size() * sizeof(std::uint16_t))
    std::memcpy(bytes.data() + at, block.data(), std::min(block.size() * sizeof(std::uint16_t), bytes.size() - at));
  return bytes;
}

Feature random_bag(Stream& random, std::int64_t tiles) {
  Feature bag;
  bag.reason = Reason::present, bag.items = tiles;
  bag.values = random_halves(random, tiles * kTileWidth, 0, 1);
  bag.coords.resize(static_cast<std::size_t>(tiles));
  return bag;
}

Feature random_volume(Stream& random) {
  Feature volume;
  volume.reason = Reason::present, volume.items = 1;
  volume.values = random_halves(random, kVoxels, 60, 40);
  volume.phase_present = {1, 1};
  return volume;
}

Feature random_report(Stream& random) {
  Feature report;
  report.reason = Reason::present, report.items = kTokens;
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < kTokens; ++i) ids.push_back(static_cast<std::int32_t>(random.below(kVocabulary)));
  report.values.resize(ids.size() * sizeof(std::int32_t));
  std::memcpy(report.values.data(), ids.data(), report.values.size());
  return report;
}

store::PatientRow random_row(Stream& random, std::int64_t number, std::size_t arms) {
  store::PatientRow row;
  row.key = row.id = "P" + std::to_string(1000000 + number);
  row.centre = "C" + std::to_string(number % 4);
  for (std::int64_t c = 0; c < kColumns; ++c) row.cells.push_back({random.normal(), Cell::State::known});
  const double recurrence = 30 * random.exponential(), death = recurrence + 20 * random.exponential(), seen = 20 + 40 * random.uniform();
  row.history.known = true;
  if (recurrence < seen) row.history.recurrence = recurrence;
  if (death < seen) row.history.death = death;
  row.history.last_contact = std::min(death, seen);
  row.history.recurrence_seen_until = std::min(recurrence, row.history.last_contact);
  const bool recurred = recurrence < seen, died = death < seen;
  row.outcomes = {{true, recurred ? recurrence : seen, recurred ? 1 : 0}, {true, died ? death : seen, died ? 1 : 0}};
  row.assignment.arm = static_cast<int>(random.below(arms));
  return row;
}

void write_store(const std::filesystem::path& folder, std::int64_t patients, std::int64_t tiles) {
  store::Tables tables;
  std::vector<std::string> names;
  for (std::int64_t c = 0; c < kColumns; ++c) {
    ColumnSpec column;
    column.name = "x" + std::to_string(c + 1);
    names.push_back(column.name);
    tables.columns.push_back(column);
  }
  tables.endpoints.resize(2);
  EndpointSpec &rfs = tables.endpoints[0], &os = tables.endpoints[1];
  rfs.name = "rfs", rfs.recurrence_is_event = rfs.death_is_event = true, rfs.horizon_months = 36;
  os.name = "os", os.death_is_event = true, os.horizon_months = 60;
  tables.strategies.arms = {"surgery", "tace", "tace_systemic", "systemic"};
  tables.has_histories = true;
  const std::vector<store::StoredModality> modalities{{"clinical", {Kind::vector, DType::float32, {}, "", ""}, {}, names},
                                                      {"ct", {Kind::volume, DType::float16, {2, 16, 32, 32}, "HU", ""}, {}, {}},
                                                      {"slide", {Kind::bag, DType::float16, {kTileWidth}, "tile feature", "random"}, {}, {}},
                                                      {"report", {Kind::sequence, DType::int32, {}, "lexicon id", ""}, {}, {}}};
  std::filesystem::create_directories(folder);
  store::StoreWriter writer(folder, modalities, tables);
  for (std::int64_t p = 0; p < patients; ++p) {
    Stream random({11, static_cast<std::uint64_t>(p)});
    store::PatientRow row = random_row(random, p, tables.strategies.arms.size());
    writer.add(std::move(row), {random_volume(random), random_bag(random, tiles), random_report(random)});
  }
  writer.finish();
}

}  // namespace

MadeStore::MadeStore(const mpi::Communicator& world, std::int64_t patients, std::int64_t tiles) : world_(world) {
  const auto name = world.root() ? "hepar-bench-" + std::to_string(::getpid()) + "-" + std::to_string(tiles) : std::string();
  path_ = std::filesystem::temp_directory_path() / world.broadcast_text(name, 0);
  mpi::together(world, [&] {
    if (world.root()) write_store(path_, patients, tiles);
  });
}

MadeStore::~MadeStore() {
  std::error_code ignored;
  if (world_.root()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace hepar::program
