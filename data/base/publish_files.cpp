// SPDX-License-Identifier: Apache-2.0
#include "data/base/publish_files.hpp"

#include "data/base/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

namespace hepar {

void publish_files(const fs::path& folder, std::span<const NamedBytes> files) {
  std::vector<std::unique_ptr<Publication>> written;  // remove what they wrote if this does not come to its end
  for (const NamedBytes& file : files) {
    written.push_back(std::make_unique<Publication>(folder / file.name));
    std::ofstream out(written.back()->temporary(), std::ios::binary);
    out.write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
    out.close();
    if (!out) throw disk_error("cannot write", {(folder / file.name).string()});
  }
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool durable = handle >= 0 && ::syncfs(handle) == 0;
  if (handle >= 0) ::close(handle);
  if (!durable) throw disk_error("cannot write to disk", {folder.string()});
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::error_code failed;
    fs::rename(written[i]->temporary(), folder / files[i].name, failed);
    if (!failed) continue;
    errno = failed.value();
    throw disk_error("cannot put the finished file in place", {(folder / files[i].name).string()});
  }
  sync_folder(folder);
}

}  // namespace hepar
