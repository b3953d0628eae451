// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/hdf5.hpp"

#include <algorithm>

namespace hepar::store {

namespace {

Error failed(const std::string& what, const std::filesystem::path& file) {
  return store_error("HDF5 cannot " + what, {file.string()}, "restore the file or make the store again");
}

Handle space_of(std::span<const hsize_t> shape, const std::filesystem::path& file) {
  return Handle(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), &H5Sclose, "make a space", file);
}

template <class T>
void write_vector(const Handle& parent, const std::string& name, hid_t type, std::span<const T> values, const std::filesystem::path& file) {
  const hsize_t shape = values.size();
  const Handle dataset = create_dataset(parent, name, type, std::span(&shape, 1), file);
  write_whole(dataset, type, values.data(), file);
}

Handle open_dataset(const Handle& parent, const std::string& name, const std::filesystem::path& file) {
  return Handle(H5Dopen2(parent.get(), name.c_str(), H5P_DEFAULT), &H5Dclose, "find the data set '" + name + "'", file);
}

std::size_t elements(const Handle& dataset, const std::filesystem::path& file) {
  const Handle space(H5Dget_space(dataset.get()), &H5Sclose, "read a shape", file);
  return static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
}

template <class T>
std::vector<T> read_vector(const Handle& parent, const std::string& name, hid_t type, const std::filesystem::path& file) {
  const Handle dataset = open_dataset(parent, name, file);
  std::vector<T> values(elements(dataset, file));
  if (!values.empty() && H5Dread(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) throw failed("read '" + name + "'", file);
  return values;
}

}  // namespace

Handle::Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what, const std::filesystem::path& file) : id_(id), close_(close) {
  if (id_ < 0) throw failed(what, file);
}

void Handle::close(const std::filesystem::path& file) {
  if (close_(std::exchange(id_, -1)) < 0) throw disk_error("cannot write to the end", {file.string()});
}

Handle create_file(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors become hepar::Error, not pages on stderr
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), &H5Pclose, "make settings", path);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
  H5Pset_alignment(access.get(), 4096, 4096);
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get());
  if (id < 0) throw disk_error("cannot create", {path.string()});
  return Handle(id, &H5Fclose, "create", path);
}

Handle create_image() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), &H5Pclose, "make settings", {});
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
  H5Pset_fapl_core(access.get(), 1 << 20, false);
  return Handle(H5Fcreate("image.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), &H5Fclose, "make a file in memory", {});
}

std::string image_of(const Handle& file) {
  H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file.get(), nullptr, 0);
  std::string bytes(static_cast<std::size_t>(std::max<ssize_t>(size, 0)), '\0');
  if (size <= 0 || H5Fget_file_image(file.get(), bytes.data(), bytes.size()) != size) throw failed("take a file from memory", {});
  return bytes;
}

Handle open_file(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), &H5Pclose, "make settings", path);
  H5Pset_file_locking(access.get(), 0, 1);
  return Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), &H5Fclose, "open it", path);
}

Handle create_group(const Handle& parent, const std::string& name, const std::filesystem::path& file) {
  return Handle(H5Gcreate2(parent.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), &H5Gclose, "make the group '" + name + "'", file);
}

Handle half_type() {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), &H5Tclose, "make a type", {});
  H5Tset_fields(type.get(), 15, 10, 5, 0, 10);
  H5Tset_size(type.get(), 2);
  H5Tset_ebias(type.get(), 15);
  return type;
}

Handle text_type(std::size_t bytes) {
  Handle type(H5Tcopy(H5T_C_S1), &H5Tclose, "make a type", {});
  H5Tset_size(type.get(), std::max<std::size_t>(bytes, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Handle create_dataset(const Handle& parent, const std::string& name, hid_t type, std::span<const hsize_t> shape, const std::filesystem::path& file) {
  const Handle settings(H5Pcreate(H5P_DATASET_CREATE), &H5Pclose, "make settings", file);
  H5Pset_layout(settings.get(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(settings.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(settings.get(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(settings.get(), false);  // time stamps would make equal stores differ
  const Handle space = space_of(shape, file);
  const hid_t id = H5Dcreate2(parent.get(), name.c_str(), type, space.get(), H5P_DEFAULT, settings.get(), H5P_DEFAULT);
  if (id < 0) throw disk_error("cannot make the data set '" + name + "'", {file.string()});
  return Handle(id, &H5Dclose, "make the data set '" + name + "'", file);
}

void write_whole(const Handle& dataset, hid_t type, const void* data, const std::filesystem::path& file) {
  if (elements(dataset, file) == 0) return;
  if (H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) throw disk_error("cannot write", {file.string()});
}

void write_rows(const Handle& dataset, hid_t type, std::span<const hsize_t> shape, hsize_t first, std::span<const std::byte> data, const std::filesystem::path& file) {
  if (data.empty()) return;
  std::size_t row = H5Tget_size(type);
  for (const hsize_t extent : shape.subspan(1)) row *= extent;
  const hsize_t count = data.size() / std::max<std::size_t>(row, 1);
  if (count * row != data.size()) throw Error(ExitCode::bug, std::to_string(data.size()) + " bytes are no rows of " + std::to_string(row), file.string());
  std::vector<hsize_t> start(shape.size(), 0), extent(shape.begin(), shape.end());
  start.front() = first;
  extent.front() = count;
  const Handle memory = space_of(extent, file);
  const Handle target(H5Dget_space(dataset.get()), &H5Sclose, "read a shape", file);
  H5Sselect_hyperslab(target.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
  if (H5Dwrite(dataset.get(), type, memory.get(), target.get(), H5P_DEFAULT, data.data()) < 0) throw disk_error("cannot write", {file.string()});
}

void write_numbers(const Handle& parent, const std::string& name, std::span<const double> values, const std::filesystem::path& file) { write_vector(parent, name, H5T_IEEE_F64LE, values, file); }
void write_integers(const Handle& parent, const std::string& name, std::span<const std::int64_t> values, const std::filesystem::path& file) { write_vector(parent, name, H5T_STD_I64LE, values, file); }
void write_bytes(const Handle& parent, const std::string& name, std::span<const std::uint8_t> values, const std::filesystem::path& file) { write_vector(parent, name, H5T_STD_U8LE, values, file); }
void write_hashes(const Handle& parent, const std::string& name, std::span<const std::uint64_t> values, const std::filesystem::path& file) { write_vector(parent, name, H5T_STD_U64LE, values, file); }

void write_texts(const Handle& parent, const std::string& name, std::span<const std::string> values, const std::filesystem::path& file) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::vector<char> bytes(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) std::copy(values[i].begin(), values[i].end(), bytes.begin() + static_cast<std::ptrdiff_t>(i * width));
  const Handle type = text_type(width);
  const hsize_t shape = values.size();
  const Handle dataset = create_dataset(parent, name, type.get(), std::span(&shape, 1), file);
  write_whole(dataset, type.get(), bytes.data(), file);
}

std::vector<double> read_numbers(const Handle& parent, const std::string& name, const std::filesystem::path& file) { return read_vector<double>(parent, name, H5T_NATIVE_DOUBLE, file); }
std::vector<std::int64_t> read_integers(const Handle& parent, const std::string& name, const std::filesystem::path& file) { return read_vector<std::int64_t>(parent, name, H5T_NATIVE_INT64, file); }
std::vector<std::uint8_t> read_bytes(const Handle& parent, const std::string& name, const std::filesystem::path& file) { return read_vector<std::uint8_t>(parent, name, H5T_NATIVE_UINT8, file); }
std::vector<std::uint64_t> read_hashes(const Handle& parent, const std::string& name, const std::filesystem::path& file) { return read_vector<std::uint64_t>(parent, name, H5T_NATIVE_UINT64, file); }

std::vector<std::string> read_texts(const Handle& parent, const std::string& name, const std::filesystem::path& file) {
  const Handle dataset = open_dataset(parent, name, file);
  const Handle type(H5Dget_type(dataset.get()), &H5Tclose, "read a type", file);
  const std::size_t width = H5Tget_size(type.get()), n = elements(dataset, file);
  std::vector<char> bytes(width * n);
  if (n > 0 && H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) throw failed("read '" + name + "'", file);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < n; ++i) {
    const char* start = bytes.data() + i * width;
    values.emplace_back(start, std::find(start, start + width, '\0'));
  }
  return values;
}

}  // namespace hepar::store
