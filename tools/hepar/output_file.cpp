// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/output_file.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "sharding/store/layout.hpp"

#include <algorithm>
#include <fstream>
#include <span>
#include <string>

namespace hepar::program {

namespace {

std::string beginning_of(const fs::path& path) {
  constexpr std::uint64_t kEnough = 65536;
  const ReadOnlyFile file(path);
  std::string text(static_cast<std::size_t>(std::min(kEnough, file.size())), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

void check_output(const fs::path& path, const OutputKind& kind) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) throw usage_error("is a folder", {path.string()}, "give --out the name of a file");
  if (fs::exists(path, ignored)) {
    const std::string beginning = beginning_of(path);
    if (!beginning.empty() && !kind.is_own(beginning))
      throw usage_error("is there already and holds no " + std::string(kind.what), {path.string()}, "choose another --out, or remove the file");
  }
  const Publication probe(path);  // removed again
  if (!std::ofstream(probe.temporary())) throw disk_error("cannot create", {path.string()});
}

void refuse_inside_store(const fs::path& folder) {
  std::error_code ignored;
  fs::path above = fs::weakly_canonical(fs::absolute(folder), ignored);
  while (above.has_relative_path()) {
    above = above.parent_path();
    if (fs::exists(store::Names{above}.manifest(), ignored))
      throw usage_error("lies inside the store " + above.string(), {folder.string()}, "choose an --out beside the store");
  }
}

}  // namespace hepar::program
