// SPDX-License-Identifier: Apache-2.0
#include "data/base/run_folder.hpp"

#include <fmt/format.h>

namespace hepar {

std::string ValidationFolder::folder_name(const std::string& fold) {
  const bool dots = fold == "." || fold == "..";
  std::string name;
  for (const char c : fold) {
    const bool safe = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/' && c != '\\' && c != '%' && !dots;
    name += safe ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return name;
}

std::filesystem::path SweepFolder::trial(std::int64_t number) const { return trials() / fmt::format("{:03}", number); }

}  // namespace hepar
