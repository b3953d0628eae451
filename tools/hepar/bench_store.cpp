// SPDX-License-Identifier: Apache-2.0
// Reading patients in a training's order: raw pread of their bytes, the store's reader, and batches ready for a network.
#include "data/base/random.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/manifest.hpp"
#include "sharding/store/shard_file.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "trainer/dataset/dataset.hpp"
#include "trainer/engine/engine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace hepar::program {

namespace {

namespace fs = std::filesystem;

// A shard's file, opened once for raw reading.
class RawFile {
 public:
  explicit RawFile(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw disk_error("cannot be opened", {path.string()});
  }
  RawFile(RawFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawFile(const RawFile&) = delete;
  ~RawFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  void read(std::uint64_t offset, std::span<std::byte> out) const {
    for (std::size_t at = 0; at < out.size();) {
      const ssize_t got = ::pread(descriptor_, out.data() + at, out.size() - at, static_cast<off_t>(offset + at));
      if (got <= 0) throw disk_error("pread failed");
      at += static_cast<std::size_t>(got);
    }
  }
  // Drops the file from the page cache: the next reading comes from the disk (pages that were never written back stay).
  void forget() const {
    ::fdatasync(descriptor_);
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
  }

 private:
  int descriptor_;
};

struct Stretch { std::size_t shard; std::uint64_t offset, bytes; };

struct Layouts {
  std::vector<RawFile> files;
  std::vector<std::vector<Stretch>> ranges;  // of a patient
  std::uint64_t bytes = 0, largest = 0;
};

Layouts layouts_of(const fs::path& folder) {
  Layouts out;
  const store::Manifest manifest = store::read_manifest(folder);
  const std::vector<store::StoredModality> modalities = store::without_vectors(manifest.modalities);
  for (const store::ShardEntry& entry : manifest.shards) {
    const fs::path path = store::Names{folder}.shard(entry.file);
    const store::ShardReader reader(path, manifest.modalities);
    for (std::size_t p = 0; p < reader.index().keys.size(); ++p) {
      std::vector<Stretch> of_patient;
      for (std::size_t m = 0; m < modalities.size(); ++m) {
        const std::uint64_t item = static_cast<std::uint64_t>(modalities[m].layout.values_per_item()) * bytes_of(modalities[m].layout.type);
        const store::ModalityIndex& index = reader.index().modalities[m];
        const Stretch range{out.files.size(), index.values_at + static_cast<std::uint64_t>(index.offsets[p]) * item,
                          static_cast<std::uint64_t>(reader.items(m, p)) * item};
        out.bytes += range.bytes;
        out.largest = std::max(out.largest, range.bytes);
        of_patient.push_back(range);
      }
      out.ranges.push_back(std::move(of_patient));
    }
    out.files.emplace_back(path);
  }
  return out;
}

void read_raw(const Layouts& layouts, const std::vector<std::int64_t>& order, std::span<std::byte> buffer) {
  for (const std::int64_t patient : order)
    for (const Stretch& range : layouts.ranges[static_cast<std::size_t>(patient)]) layouts.files[range.shard].read(range.offset, buffer.first(range.bytes));
}

void read_through(const store::Store& store, const std::vector<std::int64_t>& order, std::span<std::byte> buffer) {
  for (const std::int64_t patient : order)
    for (std::size_t m = 0; m < store.modalities().size(); ++m) {
      const Layout& layout = store.modalities()[m].layout;
      if (layout.kind == Kind::vector) continue;
      const std::int64_t items = store.items(static_cast<int>(m), patient);
      const auto bytes = static_cast<std::size_t>(items * layout.values_per_item()) * bytes_of(layout.type);
      if (items > 0) store.read(static_cast<int>(m), patient, 0, items, buffer.first(bytes));
    }
}

void read_batches(const store::Store& store, const dataset::Transform& transform, const std::vector<std::int64_t>& order, std::size_t together) {
  for (std::size_t at = 0; at < order.size(); at += together)
    (void)transform.batch(store, std::span(order).subspan(at, std::min(together, order.size() - at)), std::numeric_limits<std::int64_t>::max(), 1);
}

void compare_reads(const BenchRequest& request, const fs::path& path, const std::string& label, Figures& figures) {
  const Layouts layouts = layouts_of(path);
  if (layouts.bytes == 0) throw input_error("the store holds no features to read", {path.string()}, "choose one with images, slides or reports");
  const auto patients = static_cast<std::int64_t>(layouts.ranges.size());
  std::vector<std::int64_t> all(static_cast<std::size_t>(patients));
  for (std::int64_t p = 0; p < patients; ++p) all[static_cast<std::size_t>(p)] = p;
  std::vector<std::byte> buffer(layouts.largest);
  const store::Store checked = store::Store::open(path);
  const engine::Selection selection = engine::select(request.experiment, checked);
  const dataset::Transform transform = dataset::Transform::fit(checked, selection.modalities, selection.columns, all);
  const auto together = static_cast<std::size_t>(request.experiment.train.patients_per_slot);
  read_through(checked, all, buffer);
  const auto rate = [&](const char* name, const std::string& state, const std::function<void()>& work) {
    figures.add(label + state + ", " + name, "GB/s", static_cast<double>(layouts.bytes) * 1e-9 / seconds_of(work));
  };
  for (int round = 0; round < request.rounds; ++round) {
    const std::vector<std::int64_t> order = keyed_order(patients, {5, static_cast<std::uint64_t>(round)});
    for (const bool cold : {true, false}) {
      const std::string state = cold ? "cold" : "warm";
      const auto prepare = [&] {
        for (const RawFile& file : layouts.files)
          if (cold) file.forget();
      };
      prepare();
      rate("pread", state, [&] { read_raw(layouts, order, buffer); });
      prepare();
      rate("store", state, [&] { read_through(checked, order, buffer); });
      prepare();
      rate("batches", state, [&] { read_batches(checked, transform, order, together); });
    }
    const store::Store first = store::Store::open(path);
    rate("store, first reading (hashes checked)", "warm", [&] { read_through(first, order, buffer); });
  }
  for (const char* state : {"cold", "warm"})
    for (const char* name : {"store", "batches"}) {
      const std::string front = label + state + ", ";
      figures.add_ratio(front + name + " / pread", front + name, front + "pread");
    }
  figures.note(fmt::format("{}{} patients, {:.3f} GB of features in random order, one thread; cold: dropped from the page cache before each reading; "
                           "batches: half floats made floats, standardised, put into tensors",
                           label, patients, static_cast<double>(layouts.bytes) * 1e-9));
}

}  // namespace

Figures bench_store(const BenchRequest& request) {
  Figures figures;
  const mpi::Communicator& world = request.context.world;
  const auto on_root = [&](const fs::path& path, const std::string& label) {
    mpi::together(world, [&] {
      if (world.root()) compare_reads(request, path, label, figures);
    });
  };
  if (!request.store.empty()) {
    on_root(request.store, "");
    return figures;
  }
  for (const long long tiles : request.tiles) {
    const MadeStore made(world, request.small ? 8 : 200000 / tiles, tiles);
    on_root(made.path(), fmt::format("{} tiles: ", tiles));
  }
  return figures;
}

}  // namespace hepar::program
