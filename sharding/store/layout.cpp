// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/layout.hpp"

#include "data/base/files.hpp"

#include <fmt/format.h>

#include <cctype>

namespace hepar::store {

namespace {

constexpr std::size_t kLongestStem = 120;

std::string preview_end(std::string_view jpeg) { return fmt::format("-{:016x}.jpg", xxh3(std::as_bytes(std::span(jpeg)))); }

}  // namespace

std::string preview_stem(const std::string& key, const std::string& modality, const std::string& picture) {
  std::string stem;
  for (const char c : key + "-" + modality + (picture.empty() ? "" : "-" + picture))
    stem +=
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return stem.size() <= kLongestStem ? stem : stem.substr(0, kLongestStem) + "-" + sha256(stem).substr(0, 12);
}

std::string preview_file(const std::string& stem, std::string_view jpeg) { return stem + preview_end(jpeg); }
bool is_preview_of(const std::string& file, const std::string& stem) { return file.starts_with(stem) && file.size() == stem.size() + preview_end({}).size(); }
bool has_bytes(const std::string& file, std::string_view jpeg) { return file.ends_with(preview_end(jpeg)); }

}  // namespace hepar::store
