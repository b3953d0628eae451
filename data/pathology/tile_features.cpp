// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/tile_features.hpp"

#include <hdf5.h>

#include <cmath>
#include <cstring>
#include <utility>

namespace hepar::pathology {

namespace {

class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id(const Id&) = delete;
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] bool good() const { return id_ >= 0; }
  [[nodiscard]] hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

TileFeatures unusable(Reason reason, std::string detail) {
  TileFeatures tiles;
  tiles.reason = reason;
  tiles.detail = std::move(detail);
  return tiles;
}

Id open_file(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Id access(H5Pcreate(H5P_FILE_ACCESS), &H5Pclose);
  H5Pset_file_locking(access.get(), 0, 1);
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), &H5Fclose};
}

std::vector<std::int64_t> shape_of(const Id& dataset) {
  const Id space(H5Dget_space(dataset.get()), &H5Sclose);
  std::vector<hsize_t> extent(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!extent.empty()) H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
  std::vector<std::int64_t> shape(extent.begin(), extent.end());
  if (shape.size() == 3 && shape.front() == 1) shape.erase(shape.begin());  // TRIDENT's batch dimension
  return shape;
}

Id open_first(const Id& file, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (H5Lexists(file.get(), name, H5P_DEFAULT) > 0) return Id(H5Dopen2(file.get(), name, H5P_DEFAULT), &H5Dclose);
  return Id(-1, &H5Dclose);
}

Id open_features(const Id& file) { return open_first(file, {"features", "feats"}); }

bool is_half(const Id& type) { return H5Tget_class(type.get()) == H5T_FLOAT && H5Tget_size(type.get()) == 2 && H5Tget_ebias(type.get()) == 15; }

// Values as halfs. HDF5's own conversion of halfs is hundreds of times slower than a copy, so halfs are read as they are.
bool read_values(const Id& dataset, std::size_t count, std::vector<std::byte>& out) {
  const Id type(H5Dget_type(dataset.get()), &H5Tclose);
  out.resize(2 * count);
  if (is_half(type) && H5Tget_order(type.get()) == H5T_ORDER_LE) return H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()) >= 0;
  std::vector<float> wide(count);
  if (H5Tget_class(type.get()) != H5T_FLOAT || H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, wide.data()) < 0) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t half = to_half(wide[i]);
    std::memcpy(out.data() + 2 * i, &half, 2);
  }
  return true;
}

bool all_finite(const std::vector<std::byte>& halfs) {
  for (std::size_t i = 0; i + 1 < halfs.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, halfs.data() + i, 2);
    if ((bits & 0x7c00u) == 0x7c00u) return false;
  }
  return true;
}

// A number that the file says of itself; 0 when it does not.
double number_of(const Id& object, const char* name) {
  if (!object.good() || H5Aexists(object.get(), name) <= 0) return 0;
  const Id attribute(H5Aopen(object.get(), name, H5P_DEFAULT), &H5Aclose), type(H5Aget_type(attribute.get()), &H5Tclose), space(H5Aget_space(attribute.get()), &H5Sclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  double value = 0;
  const bool number = (kind == H5T_FLOAT || kind == H5T_INTEGER) && H5Sget_simple_extent_npoints(space.get()) == 1;
  return number && H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) >= 0 && value > 0 && std::isfinite(value) ? value : 0;
}

// How a file of some tool tells the resolution of its tiles. CLAM gives pixels of a level alone, which says nothing.
struct ScaleRule {
  const char* attribute;
  double (*um_per_pixel)(const Id& file, const Id& coords);
};
constexpr std::array<ScaleRule, 3> kScaleRules{{
    {"um_per_pixel", [](const Id&, const Id& coords) { return number_of(coords, "um_per_pixel"); }},
    {"tile_size_um", [](const Id& file, const Id&) { return number_of(file, "tile_size_um") / number_of(file, "tile_size_px"); }},             // STAMP
    {"target_magnification", [](const Id&, const Id& coords) { return 10 / number_of(coords, "target_magnification"); }}  // TRIDENT: nominal, 10 um over the power
}};

void tell_scale(TileFeatures& tiles, const Id& file, const Id& coords) {
  for (const ScaleRule& rule : kScaleRules) {
    const double um = rule.um_per_pixel(file, coords);
    if (!(um > 0 && std::isfinite(um))) continue;
    tiles.um_per_pixel = um;
    tiles.um_per_pixel_source = rule.attribute;
    return;
  }
}

// CLAM's first step writes where the tiles lie, and no features.
TileFeatures coordinates_only(const Id& coords) {
  const std::vector<std::int64_t> shape = coords.good() ? shape_of(coords) : std::vector<std::int64_t>();
  if (shape.size() != 2 || shape[1] != 2) return unusable(Reason::unreadable, "no data set 'features' or 'feats'");
  TileFeatures tiles = unusable(Reason::unreadable, "holds coordinates of " + std::to_string(shape[0]) + " tiles and no features");
  tiles.count = shape[0];
  return tiles;
}

}  // namespace

bool takes_tile_features(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".h5" || extension == ".hdf5";
}

std::optional<std::int64_t> width_of_tile_features(const std::filesystem::path& path) {
  const Id file = open_file(path);
  if (!file.good()) return std::nullopt;
  const Id features = open_features(file);
  const std::vector<std::int64_t> shape = features.good() ? shape_of(features) : std::vector<std::int64_t>();
  return shape.size() == 2 && shape[0] > 0 && shape[1] > 0 ? std::optional(shape[1]) : std::nullopt;
}

TileFeatures read_tile_features(const std::filesystem::path& path) {
  const Id file = open_file(path);
  if (!file.good()) return unusable(Reason::unreadable, "not a whole HDF5 file");
  const Id features = open_features(file);
  if (!features.good()) return coordinates_only(open_first(file, {"coords"}));
  const std::vector<std::int64_t> shape = shape_of(features);
  if (shape.size() != 2 || shape[1] < 1) return unusable(Reason::odd_shape, "features are not tiles x width");
  if (shape[0] == 0) return unusable(Reason::too_few, "no tiles");
  // A damaged header must not be believed before memory is asked for.
  if (shape[0] > (std::int64_t{1} << 33) / shape[1]) return unusable(Reason::odd_shape, "more than 2^33 values among its features");
  TileFeatures tiles;
  tiles.count = shape[0];
  tiles.width = shape[1];
  if (!read_values(features, static_cast<std::size_t>(shape[0] * shape[1]), tiles.values)) return unusable(Reason::unreadable, "its features cannot be read");
  if (!all_finite(tiles.values)) return unusable(Reason::not_finite, "NaN, infinity or values beyond half precision among its features");
  tiles.coords.resize(static_cast<std::size_t>(tiles.count));
  const Id coords = open_first(file, {"coords"});
  if (coords.good()) {
    if (shape_of(coords) != std::vector<std::int64_t>{tiles.count, 2}) return unusable(Reason::odd_shape, "coords do not fit the features");
    if (H5Dread(coords.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, tiles.coords.data()) < 0) return unusable(Reason::unreadable, "its coords cannot be read");
  }
  tell_scale(tiles, file, coords);
  return tiles;
}

}  // namespace hepar::pathology
