// SPDX-License-Identifier: Apache-2.0
// A YAML document whose every value knows its file:line, and whose every key must be known (law 6).
#pragma once

#include "data/base/error.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hepar {

// A view of a node; copies are cheap and keep the document alive. Every getter throws usage_error with file:line, the
// dotted key and what was expected.
class Yaml {
 public:
  static Yaml read(const std::filesystem::path& path);  // twice-given keys are refused; absent file: usage_error
  static Yaml parse(std::string_view text, const std::string& name);

  [[nodiscard]] bool is_map() const;
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] bool is_null() const;

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] Yaml at(std::string_view key) const;                 // required
  [[nodiscard]] std::optional<Yaml> find(std::string_view key) const;
  [[nodiscard]] std::vector<std::pair<std::string, Yaml>> items() const;  // of a map, in document order
  [[nodiscard]] std::vector<Yaml> list() const;

  [[nodiscard]] std::string text() const;  // any scalar, as written
  [[nodiscard]] double number() const;
  [[nodiscard]] long long integer() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::vector<std::string> texts() const;    // a list of scalars, or one scalar
  [[nodiscard]] std::vector<double> numbers() const;

  // usage_error for the first key of this map that is not in `known`, with the nearest known name.
  void allow(std::span<const std::string> known) const;
  void allow(std::initializer_list<const char*> known) const;

  [[nodiscard]] Place place() const;
  [[nodiscard]] const std::string& key() const;  // dotted path from the root, for messages
  [[nodiscard]] Error error(const std::string& what, const std::string& remedy = {}) const;  // usage_error at this node

 private:
  struct Node;
  explicit Yaml(std::shared_ptr<const Node> node);
  std::shared_ptr<const Node> node_;
};

}  // namespace hepar
