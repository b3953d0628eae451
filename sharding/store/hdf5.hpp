// SPDX-License-Identifier: Apache-2.0
// HDF5 handles of this room; no other room includes this header.
#pragma once

#include "data/base/error.hpp"

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hepar::store {

// An HDF5 id and its close function. Never throws while closing.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what, const std::filesystem::path& file);
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] hid_t get() const { return id_; }
  // Closes now: a file's last bytes are written here, and may fail.
  void close(const std::filesystem::path& file);

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// A file being written: fixed format version, no time stamps, data sets of 4 KiB and more aligned to 4096 bytes.
[[nodiscard]] Handle create_file(const std::filesystem::path& path);
// The same in memory, and its bytes: a small file can be compared with the one on disk before anything is written.
[[nodiscard]] Handle create_image();
[[nodiscard]] std::string image_of(const Handle& file);
// A file for reading, without file locks (stores are published by rename, and locks fail on network file systems).
[[nodiscard]] Handle open_file(const std::filesystem::path& path);
[[nodiscard]] Handle create_group(const Handle& parent, const std::string& name, const std::filesystem::path& file);

[[nodiscard]] Handle half_type();  // h5py's '<f2'
[[nodiscard]] Handle text_type(std::size_t bytes);

// A contiguous data set whose space is taken at once, so that its offset is known. `shape` may hold zeros.
[[nodiscard]] Handle create_dataset(const Handle& parent, const std::string& name, hid_t type, std::span<const hsize_t> shape, const std::filesystem::path& file);
void write_whole(const Handle& dataset, hid_t type, const void* data, const std::filesystem::path& file);
// Rows from `first` on, as many as `data` holds of `shape` (whose first extent does not matter).
void write_rows(const Handle& dataset, hid_t type, std::span<const hsize_t> shape, hsize_t first, std::span<const std::byte> data, const std::filesystem::path& file);

void write_numbers(const Handle& parent, const std::string& name, std::span<const double> values, const std::filesystem::path& file);
void write_integers(const Handle& parent, const std::string& name, std::span<const std::int64_t> values, const std::filesystem::path& file);
void write_bytes(const Handle& parent, const std::string& name, std::span<const std::uint8_t> values, const std::filesystem::path& file);
void write_hashes(const Handle& parent, const std::string& name, std::span<const std::uint64_t> values, const std::filesystem::path& file);
void write_texts(const Handle& parent, const std::string& name, std::span<const std::string> values, const std::filesystem::path& file);

[[nodiscard]] std::vector<double> read_numbers(const Handle& parent, const std::string& name, const std::filesystem::path& file);
[[nodiscard]] std::vector<std::int64_t> read_integers(const Handle& parent, const std::string& name, const std::filesystem::path& file);
[[nodiscard]] std::vector<std::uint8_t> read_bytes(const Handle& parent, const std::string& name, const std::filesystem::path& file);
[[nodiscard]] std::vector<std::uint64_t> read_hashes(const Handle& parent, const std::string& name, const std::filesystem::path& file);
[[nodiscard]] std::vector<std::string> read_texts(const Handle& parent, const std::string& name, const std::filesystem::path& file);

}  // namespace hepar::store
