// SPDX-License-Identifier: Apache-2.0
// The files of one patient: raw ones (raw.hpp), or NIfTI volumes, tile features, report text.
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/random.hpp"
#include "data/cohort/feature.hpp"
#include "data/synthetic/nifti_writer.hpp"
#include "data/synthetic/noise.hpp"
#include "data/synthetic/person.hpp"
#include "data/synthetic/raw.hpp"
#include "data/synthetic/report_text.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace hepar::synthetic {

namespace {

enum class Noise : std::uint64_t { ct = 101, tiles, directions };

// A body, a liver and a lesion whose enhancement in the two phases shows latents 0 and 1.
void write_ct(const Options& options, const Centre& centre, const Person& p) {
  Stream place({options.seed, static_cast<std::uint64_t>(Noise::ct), static_cast<std::uint64_t>(p.number)});
  const double cx = 11 + 6 * place.uniform(), cy = 12 + 7 * place.uniform(), cz = 6 + 4 * place.uniform();
  const double radius = std::clamp(p.size_cm, 2.5, 12.0) * 10 / 2 / 5;  // voxels of 5 mm
  const double liver_shift = 6 * place.normal();
  const std::array<double, 2> liver{75 + liver_shift, 110 + liver_shift}, lesion{liver[0] + 35 + 22 * p.painted[0], liver[1] - 18 + 18 * p.painted[1]};
  const std::array<const char*, 2> names{"arterial", "portal"};
  std::vector<std::int16_t> values(static_cast<std::size_t>(kGrid[0]) * kGrid[1] * kGrid[2]);
  for (std::size_t phase = 0; phase < 2; ++phase) {
    const std::uint64_t key = place.bits();
    std::size_t at = 0;
    for (int z = 0; z < kGrid[2]; ++z)
      for (int y = 0; y < kGrid[1]; ++y)
        for (int x = 0; x < kGrid[0]; ++x, ++at) {
          const double body = std::pow((x - 15.5) / 15.0, 2) + std::pow((y - 15.5) / 12.0, 2);
          const double organ = std::pow((x - 13.0) / 10.0, 2) + std::pow((y - 15.0) / 9.0, 2) + std::pow((z - 8.0) / 7.5, 2);
          const double tumour = std::sqrt(std::pow(x - cx, 2) + std::pow(y - cy, 2) + std::pow(z - cz, 2));
          const double hu = body > 1 ? -1000 : tumour < radius ? lesion[phase] : organ < 1 ? liver[phase] : 30;
          values[at] = static_cast<std::int16_t>(std::lround(hu * (body > 1 ? 1 : centre.ct_gain) + centre.ct_offset + centre.ct_noise * static_cast<double>(rough_normal(key, at))));
        }
    write_nifti(options.out / "imaging" / (p.id + "_" + names[phase] + ".nii"), {kGrid, {5, 5, 5}, {}}, values);
  }
}

// Unit directions of the feature space, the same for the whole cohort.
std::vector<float> direction(const Options& options, std::uint64_t which) {
  std::vector<float> v(kTileWidth);
  Stream s({options.seed, static_cast<std::uint64_t>(Noise::directions), which});
  double norm = 0;
  for (float& x : v) {
    x = static_cast<float>(s.normal());
    norm += static_cast<double>(x) * static_cast<double>(x);
  }
  for (float& x : v) x = static_cast<float>(static_cast<double>(x) / std::sqrt(norm));
  return v;
}

hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

bool write_dataset(hid_t file, const char* name, hid_t type, std::array<hsize_t, 2> shape, const void* data) {
  const hid_t space = H5Screate_simple(2, shape.data(), nullptr), how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(how, 0);  // the same cohort, the same bytes
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
  const bool good = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  H5Dclose(dataset);
  H5Pclose(how);
  H5Sclose(space);
  return good;
}

// Latents 2 and 3 shift every tile a little; latent 4 shifts the fifteen per cent that are tumour, which a direction marks.
void write_tiles(const Options& options, const Centre& centre, const Person& p, const fs::path& path, std::int64_t tiles, std::uint64_t part) {
  const std::vector<float> stain = direction(options, 1000 + centre.stain % 100000), marker = direction(options, 1), shared2 = direction(options, 2), shared3 = direction(options, 3), minority = direction(options, 4);
  const std::uint64_t key = hash_words({options.seed, static_cast<std::uint64_t>(Noise::tiles), static_cast<std::uint64_t>(p.number), part});
  std::vector<std::uint16_t> values(static_cast<std::size_t>(tiles) * kTileWidth);
  std::vector<std::int64_t> coords(static_cast<std::size_t>(tiles) * 2);
  std::vector<float> common(kTileWidth), tumour(kTileWidth);
  for (std::size_t d = 0; d < kTileWidth; ++d) {
    common[d] = 0.5f + 4.0f * stain[d] + 3.0f * static_cast<float>(p.painted[2]) * shared2[d] + 3.0f * static_cast<float>(p.painted[3]) * shared3[d];
    tumour[d] = 10.0f * marker[d] + 7.0f * static_cast<float>(p.painted[4]) * minority[d];
  }
  for (std::int64_t t = 0; t < tiles; ++t) {
    const bool is_tumour = mix64(key ^ static_cast<std::uint64_t>(t)) % 100 < 15 || t == 0;
    for (std::size_t d = 0; d < kTileWidth; ++d) {
      const std::size_t at = static_cast<std::size_t>(t) * kTileWidth + d;
      values[at] = to_half(common[d] + (is_tumour ? tumour[d] : 0.0f) + rough_normal(key, at));
    }
    coords[2 * static_cast<std::size_t>(t)] = 512 * (t % 64);
    coords[2 * static_cast<std::size_t>(t) + 1] = 512 * (t / 64);
  }
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // for this thread: errors become hepar::Error, not pages on stderr
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = half_type();
  const bool good = file >= 0 && write_dataset(file, "features", type, {static_cast<hsize_t>(tiles), kTileWidth}, values.data()) &&
                    write_dataset(file, "coords", H5T_STD_I64LE, {static_cast<hsize_t>(tiles), 2}, coords.data());
  H5Tclose(type);
  const bool closed = file >= 0 && H5Fclose(file) >= 0;  // the last bytes are written here
  if (!good || !closed) throw disk_error("cannot write", {path.string()});
}

}  // namespace

void write_features(const Options& options, const std::vector<Centre>& centres, const Person& p) {
  const Centre& centre = centres[p.centre];
  if (p.has_ct && p.raw) write_raw_scans(options, centre, p);
  if (p.has_ct && !p.raw) write_ct(options, centre, p);
  if (p.has_slide && p.raw) write_raw_slides(options, centre, p);
  if (p.has_slide && !p.raw) {
    const bool two = p.number % 7 == 3 && p.tiles > 40;  // some patients have two slides
    const std::int64_t first = two ? p.tiles / 3 : p.tiles;
    write_tiles(options, centre, p, options.out / "slides" / (p.id + "_1.h5"), first, 0);
    if (two) write_tiles(options, centre, p, options.out / "slides" / (p.id + "_2.h5"), p.tiles - first, 1);
  }
  if (p.has_report) {
    const fs::path path = options.out / "reports" / (p.id + ".txt");
    const std::string text = p.raw ? report_letter(options, centre, p) : report_text(options, p);
    std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
    if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0) throw disk_error("cannot write", {path.string()});
  }
}

}  // namespace hepar::synthetic
