// SPDX-License-Identifier: Apache-2.0
// Law 3 for many small files of one folder.
#pragma once

#include "data/base/files.hpp"

#include <span>
#include <string>

namespace hepar {

struct NamedBytes {
  std::string name, bytes;
};
// All are written beside their names and made durable by one syncfs; then all are renamed and the folder is flushed.
void publish_files(const fs::path& folder, std::span<const NamedBytes> files);

}  // namespace hepar
