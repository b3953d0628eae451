// SPDX-License-Identifier: Apache-2.0
#include "data/base/claim.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/machine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace hepar {

bool claim(const fs::path& path, std::string_view bytes) {
  // Links are made or not, on network file systems too; a lock would outlive its holder.
  const fs::path draft = path.string() + ".by." + this_machine().host + "." + std::to_string(::getpid());
  publish(draft, bytes);
  const bool linked = ::link(draft.c_str(), path.c_str()) == 0;
  const int why = errno;
  struct stat names {};
  // A network file system may repeat a request that had succeeded: two names of the draft say that it had.
  const bool made = linked || (::stat(draft.c_str(), &names) == 0 && names.st_nlink > 1);
  std::error_code ignored;
  fs::remove(draft, ignored);
  if (!made && why != EEXIST) {
    errno = why;
    throw disk_error("cannot put the new file in place", {path.string()});
  }
  if (made) sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
  return made;
}

}  // namespace hepar
