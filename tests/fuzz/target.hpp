// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: their input as a file in memory, and the one exception that a reader may throw.
#pragma once

#include "data/base/error.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace hepar::fuzz {

// Of one process; gone with it, unless it crashes.
class MemoryFolder {
 public:
  MemoryFolder() : path_("/dev/shm/hepar-fuzz-" + std::to_string(::getpid())) { std::filesystem::create_directories(path_); }
  MemoryFolder(const MemoryFolder&) = delete;
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    if (!std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) std::abort();  // no room in /dev/shm
    return file;
  }

 private:
  std::filesystem::path path_;
};

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// A reader may say what is wrong with its input; that it is itself wrong (exit 70) is a finding, as is any other exception.
template <class Read>
void reads(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.code() != ExitCode::bug) return;
    std::fprintf(stderr, "a bug by its own account: %s\n", error.what());
    std::abort();
  }
}

}  // namespace hepar::fuzz
