// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/feature_export.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"

#include <hdf5.h>

#include <array>
#include <cstring>

namespace hepar::pathology {

namespace {

class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id < 0) throw disk_error("HDF5 cannot write the feature file");
  }
  Handle(const Handle&) = delete;
  ~Handle() { close_(id_); }
  [[nodiscard]] hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

struct Form { const char* name; bool leading_one; };
constexpr std::array<Form, 2> kForms{{{"clam", false}, {"trident", true}}};

const Form& form_of(const std::string& layout) {
  for (const Form& form : kForms)
    if (layout == form.name) return form;
  throw usage_error("'" + layout + "' is no layout of tile features", {}, "known: clam, trident");
}

void must(herr_t result) {
  if (result < 0) throw disk_error("HDF5 cannot write the feature file");
}

void attribute(const Handle& dataset, const char* name, hid_t type, const void* value) {
  const Handle space(H5Screate(H5S_SCALAR), &H5Sclose), attribute(H5Acreate2(dataset.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT), &H5Aclose);
  must(H5Awrite(attribute.get(), type, value));
}

struct Array {
  const char* name;
  hsize_t rows, columns;
  hid_t stored, given;
  const void* data;
};

// Contiguous: a chunk a tile, as others write, is a hundred times slower to read.
void write(const Handle& file, const Array& array, bool leading_one, const ExportNote* note) {
  const std::array<hsize_t, 3> extent{1, array.rows, array.columns};
  const Handle space(leading_one ? H5Screate_simple(3, extent.data(), nullptr) : H5Screate_simple(2, extent.data() + 1, nullptr), &H5Sclose);
  const Handle dataset(H5Dcreate2(file.get(), array.name, array.stored, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), &H5Dclose);
  must(H5Dwrite(dataset.get(), array.given, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data));
  if (note == nullptr) return;
  const Handle text(H5Tcopy(H5T_C_S1), &H5Tclose);
  must(H5Tset_size(text.get(), note->name.size() + 1));
  attribute(dataset, "name", text.get(), note->name.c_str());
  if (note->tile_pixels > 0) attribute(dataset, "patch_size", H5T_NATIVE_INT, &note->tile_pixels);
  if (note->um_per_pixel > 0) attribute(dataset, "um_per_pixel", H5T_NATIVE_DOUBLE, &note->um_per_pixel);
}

}  // namespace

void export_features(const std::filesystem::path& path, const TileFeatures& tiles, const std::string& layout, const ExportNote& note) {
  const Form& form = form_of(layout);
  const auto count = static_cast<hsize_t>(tiles.count), width = static_cast<hsize_t>(tiles.width);
  std::vector<float> wide(static_cast<std::size_t>(count * width));
  for (std::size_t i = 0; i < wide.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, tiles.values.data() + 2 * i, 2);
    wide[i] = from_half(half);
  }
  Publication publication(path);
  {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const Handle file(H5Fcreate(publication.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), &H5Fclose);
    write(file, {"features", count, width, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, wide.data()}, form.leading_one, nullptr);
    write(file, {"coords", count, 2, H5T_STD_I64LE, H5T_NATIVE_INT32, tiles.coords.data()}, form.leading_one, &note);
    must(H5Fflush(file.get(), H5F_SCOPE_GLOBAL));
  }
  publication.commit();
}

}  // namespace hepar::pathology
