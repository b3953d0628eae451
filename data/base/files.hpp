// SPDX-License-Identifier: Apache-2.0
// Files, whole or absent (law 3): a file appears under its final name only when it is complete and on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

namespace fs = std::filesystem;

// A file that is being written under a temporary name beside its final one. `commit` flushes it to disk, renames it and
// flushes the folder; without `commit` the destructor removes it. Temporary names end in ".tmp.<host>.<pid>".
class Publication {
 public:
  explicit Publication(fs::path final_path);
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;
  ~Publication();

  [[nodiscard]] const fs::path& temporary() const { return temporary_; }
  void commit();  // throws disk_error; nothing under the final name has changed then

 private:
  fs::path final_;
  fs::path temporary_;
  bool committed_ = false;
};

void publish(const fs::path& path, std::string_view bytes);  // Publication of one buffer
// Makes every file below `temporary` durable (one syncfs), then renames the folder to `final_path`, which must be absent.
void publish_folder(const fs::path& temporary, const fs::path& final_path);
// Makes a folder and those above it; one that is there already is left alone. Throws disk_error.
void make_folder(const fs::path& folder);
// Renames OUT to the first free OUT.old-N; an absent one is left alone. Throws disk_error.
void move_aside(const fs::path& folder);
// Flushes a folder's entries after renames in it.
void sync_folder(const fs::path& folder);
// Removes what killed writers left in this folder (names of Publication): of dead processes here, of other hosts after a day.
void remove_stale_temporaries(const fs::path& folder);

// What lies in a folder, in the order of names; an absent folder holds nothing. disk_error when it cannot be listed to its end.
[[nodiscard]] std::vector<fs::path> entries_of(const fs::path& folder);

[[nodiscard]] std::string read_file(const fs::path& path);  // throws input_error when absent or unreadable

// A read-only file; `read_at` may be called from several threads at once.
class ReadOnlyFile {
 public:
  explicit ReadOnlyFile(const fs::path& path);
  ReadOnlyFile(ReadOnlyFile&& other) noexcept;
  ReadOnlyFile(const ReadOnlyFile&) = delete;
  ~ReadOnlyFile();

  void read_at(std::uint64_t offset, std::span<std::byte> out) const;  // store_error when the file is shorter
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  fs::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  ~Sha256();
  void update(std::string_view bytes);
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] std::string hex();  // ends the hash; call once

 private:
  void* context_;  // EVP_MD_CTX of OpenSSL
};

[[nodiscard]] std::string sha256(std::string_view bytes);
[[nodiscard]] std::string sha256_file(const fs::path& path);
[[nodiscard]] std::uint64_t xxh3(std::span<const std::byte> bytes);

}  // namespace hepar
