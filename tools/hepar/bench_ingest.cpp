// SPDX-License-Identifier: Apache-2.0
// `hepar bench ingest`: what reading raw files takes, over the files of a cohort: tiles, slices and regions a second.
#include "data/imaging/radiomics.hpp"
#include "data/pathology/slide_features.hpp"
#include "tools/hepar/bench_figures.hpp"
#include "tools/hepar/tile_encoders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <optional>

namespace hepar::program {

namespace {

// One file to read; `done` says of how many things it was made, and throws when it is not readable.
struct Task {
  std::function<std::int64_t()> done;
};

double process_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

std::int64_t tiles_of(const SlideRow& row, const ModalitySpec& modality, pathology::TileEncoder& encoder) {
  const pathology::SlideFeatures read = pathology::read_slide_features(row, modality, encoder);
  if (read.tiles.reason != Reason::present) throw input_error("a slide cannot be measured: " + read.tiles.detail, row.place, "leave it out of this cohort");
  return read.tiles.count;
}

imaging::Image image_of(const ImagingRow& row) {
  imaging::ReadImage read = imaging::read_image(row.path);
  if (!read.image) throw input_error("an image cannot be measured: " + read.detail, row.place, "leave it out of this cohort");
  return std::move(*read.image);
}

std::vector<Task> slide_tasks(const Cohort& cohort) {
  std::vector<Task> tasks;
  const auto bag = std::find_if(cohort.spec.modalities.begin(), cohort.spec.modalities.end(), [](const ModalitySpec& one) { return one.kind == Kind::bag; });
  if (bag == cohort.spec.modalities.end()) return tasks;
  const std::shared_ptr<pathology::TileEncoder> encoder = tile_encoder(*bag);
  for (const PatientRecord& patient : cohort.patients)
    for (const SlideRow& row : patient.slides) {
      if (pathology::takes_tile_features(row.path)) continue;
      tasks.push_back({[&row, &modality = *bag, encoder] { return tiles_of(row, modality, *encoder); }});
    }
  return tasks;
}

std::vector<Task> image_tasks(const Cohort& cohort) {
  std::vector<Task> tasks;
  for (const PatientRecord& patient : cohort.patients)
    for (const ImagingRow& row : patient.imaging) tasks.push_back({[&row] { return image_of(row).size[2]; }});
  return tasks;
}

// Images and masks are read before; only the features are measured.
std::vector<Task> region_tasks(const Cohort& cohort) {
  std::vector<Task> tasks;
  for (const PatientRecord& patient : cohort.patients)
    for (const ImagingRow& row : patient.imaging) {
      if (row.mask.empty()) continue;
      const auto image = std::make_shared<imaging::Image>(image_of(row));
      const auto mask = std::make_shared<imaging::ReadMask>(imaging::read_mask(*image, row.mask));
      if (!mask->mask) throw input_error("a mask cannot be measured: " + mask->detail, row.place, "leave it out of this cohort");
      tasks.push_back({[&cohort, image, mask] {
        const imaging::Radiomics found = imaging::radiomics(*image, *mask->mask, cohort.spec.radiomics);
        if (!found.problem.empty()) throw input_error("a region cannot be measured: " + found.problem);
        return std::int64_t{1};
      }});
    }
  return tasks;
}

struct Subject {
  const char* what;
  std::vector<Task> (*tasks)(const Cohort& cohort);
};
constexpr std::array<Subject, 3> kSubjects{{{"tiles", slide_tasks}, {"slices", image_tasks}, {"regions", region_tasks}}};

// Every rank does the same number of tasks, each beginning at another.
void measure(const BenchRequest& request, const char* what, const std::vector<Task>& tasks, Figures& figures) {
  const mpi::Communicator& world = request.context.world;
  const auto ranks = static_cast<std::size_t>(world.size()), all = tasks.size();
  std::int64_t made = 0;
  double used = 0;
  world.barrier();
  const double wall = seconds_of([&] {
    const double before = process_seconds();
    mpi::together(world, [&] {
      for (std::size_t k = 0; k < (all + ranks - 1) / ranks; ++k) made += tasks[(k * ranks + static_cast<std::size_t>(world.rank())) % all].done();
      used = process_seconds() - before;
    });
  });
  std::array<std::int64_t, 1> total{made};
  std::array<double, 1> seconds{used};
  world.all_reduce_sum(std::span(total));
  world.all_reduce_sum(std::span(seconds));
  figures.add(what, std::string(what) + "/s", static_cast<double>(total[0]) / wall);
  figures.add(std::string(what) + " of one core", std::string(what) + "/CPU-s", static_cast<double>(total[0]) / seconds[0]);
}

}  // namespace

Figures bench_ingest(const BenchRequest& request) {
  if (request.cohort.empty())
    throw usage_error("'bench ingest' reads the raw files of a cohort", {},
                      "give --cohort cohort.yaml (tests/bench/ingest.py makes one, and runs other readers beside it)");
  Figures figures;
  std::optional<Cohort> cohort;
  std::array<std::vector<Task>, kSubjects.size()> tasks;
  mpi::together(request.context.world, [&] {
    cohort = read_cohort(request.cohort);
    for (std::size_t s = 0; s < kSubjects.size(); ++s) tasks[s] = kSubjects[s].tasks(*cohort);
    if (std::all_of(tasks.begin(), tasks.end(), [](const auto& one) { return one.empty(); }))
      throw input_error("names neither slides nor images", {request.cohort.string()}, "choose a cohort with raw files");
  });
  for (int round = 0; round < request.rounds; ++round)
    for (std::size_t s = 0; s < kSubjects.size(); ++s)
      if (!tasks[s].empty()) measure(request, kSubjects[s].what, tasks[s], figures);
  figures.note("files in the page cache after the first round; tiles: tissue, decoding and features; slices: from the folder to HU; regions: features alone");
  return figures;
}

}  // namespace hepar::program
