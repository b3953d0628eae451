// SPDX-License-Identifier: Apache-2.0
#include "data/base/yaml.hpp"

#include "data/base/files.hpp"
#include "data/base/special.hpp"
#include "data/base/text.hpp"

#include <yaml-cpp/yaml.h>

#include <set>

namespace hepar {

// Values are copied out of yaml-cpp once: its nodes are mutable handles and do not report a key given twice.
struct Yaml::Node {
  enum class Kind { null, scalar, list, map } kind = Kind::null;
  std::string text;
  std::vector<std::shared_ptr<const Node>> items;
  std::vector<std::string> keys;  // of a map, parallel to items
  Place place;
  std::string key;

  struct Origin {
    const std::string& file;
    std::size_t left;  // characters that may still be copied: an alias is copied wherever it stands
  };
  static std::shared_ptr<const Node> from(const YAML::Node& node, Origin& origin, const std::string& key, int depth = 0);
};

namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostCharacters = std::size_t{4} << 20;  // of values and their keys

std::string joined(const std::string& parent, const std::string& key) { return parent.empty() ? key : parent + "." + key; }

Error no_map(const Yaml& node) {
  return node.error(node.is_list() ? "is a list where named entries are expected" : "is '" + node.text() + "' where named entries are expected", "write 'name: value' lines under it");
}

std::string quoted_key(const std::string& key) { return key.empty() ? "the document" : "'" + key + "'"; }

}  // namespace

std::shared_ptr<const Yaml::Node> Yaml::Node::from(const YAML::Node& node, Origin& origin, const std::string& key, int depth) {
  const std::string& file = origin.file;
  if (depth > kDeepest) throw usage_error("is nested too deeply", {file, node.Mark().line + 1}, "does an alias contain itself?");
  const std::size_t characters = 1 + key.size() + (node.IsScalar() ? node.Scalar().size() : 0);
  if (characters > origin.left) throw usage_error("says more than 4 million characters once its aliases are written out", {file, node.Mark().line + 1}, "do aliases repeat aliases?");
  origin.left -= characters;
  auto copy = std::make_shared<Node>();
  copy->key = key;
  copy->place = {file, node.Mark().line + 1};
  if (node.IsScalar()) {
    copy->kind = Kind::scalar;
    copy->text = node.Scalar();
    if (node.Tag() == "?" && (copy->text == "~" || copy->text == "null")) copy->kind = Kind::null;
  } else if (node.IsSequence()) {
    copy->kind = Kind::list;
    for (std::size_t i = 0; i < node.size(); ++i) copy->items.push_back(from(node[i], origin, key + "[" + std::to_string(i) + "]", depth + 1));
  } else if (node.IsMap()) {
    copy->kind = Kind::map;
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const Place place{file, entry.first.Mark().line + 1};
      if (!entry.first.IsScalar()) throw usage_error("a key must be plain text", place);
      const std::string& name = entry.first.Scalar();
      if (!seen.insert(name).second) throw usage_error("the key '" + joined(key, name) + "' is given twice", place, "remove one");
      copy->keys.push_back(name);
      copy->items.push_back(from(entry.second, origin, joined(key, name), depth + 1));
    }
  }
  return copy;
}

Yaml::Yaml(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

Yaml Yaml::read(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) throw usage_error("does not exist", {path.string()}, "check the path");
  if (is_special(path)) throw usage_error("is a pipe or device, not a file", {path.string()}, "write the YAML into a file");
  const std::optional<Decoded> decoded = decode_text(read_file(path));
  if (!decoded) throw usage_error("is not text", {path.string()}, "save it as UTF-8");
  return parse(decoded->text, path.string());
}

Yaml Yaml::parse(std::string_view text, const std::string& name) {
  try {
    Node::Origin origin{name, kMostCharacters};
    std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    while (documents.size() > 1 && documents.back().IsNull()) documents.pop_back();  // a last line of ---
    if (documents.size() > 1) throw usage_error("holds " + std::to_string(documents.size()) + " documents", {name, documents[1].Mark().line + 1}, "keep one, without a line of --- between them");
    return Yaml(Node::from(documents.empty() ? YAML::Node() : documents[0], origin, ""));
  } catch (const YAML::Exception& error) {
    throw usage_error("is not valid YAML: " + error.msg, {name, error.mark.line + 1}, "check indentation and colons near this line");
  }
}

bool Yaml::is_map() const { return node_->kind == Node::Kind::map; }
bool Yaml::is_list() const { return node_->kind == Node::Kind::list; }
bool Yaml::is_scalar() const { return node_->kind == Node::Kind::scalar; }
bool Yaml::is_null() const { return node_->kind == Node::Kind::null; }

std::optional<Yaml> Yaml::find(std::string_view key) const {
  if (is_null()) return std::nullopt;
  if (!is_map()) throw no_map(*this);
  for (std::size_t i = 0; i < node_->keys.size(); ++i)
    if (node_->keys[i] == key) return Yaml(node_->items[i]);
  return std::nullopt;
}

bool Yaml::has(std::string_view key) const { return find(key).has_value(); }

Yaml Yaml::at(std::string_view key) const {
  if (std::optional<Yaml> found = find(key)) return *std::move(found);
  throw error("lacks the key '" + std::string(key) + "'", "add it");
}

std::vector<std::pair<std::string, Yaml>> Yaml::items() const {
  if (is_null()) return {};
  if (!is_map()) throw no_map(*this);
  std::vector<std::pair<std::string, Yaml>> out;
  for (std::size_t i = 0; i < node_->keys.size(); ++i) out.emplace_back(node_->keys[i], Yaml(node_->items[i]));
  return out;
}

std::vector<Yaml> Yaml::list() const {
  if (!is_list()) throw error("must be a list", "write '- entry' lines under it, or [first, second]");
  std::vector<Yaml> out;
  for (const auto& item : node_->items) out.push_back(Yaml(item));
  return out;
}

std::string Yaml::text() const {
  if (!is_scalar()) throw error(is_null() ? "has no value" : "must be one value");
  return node_->text;
}

double Yaml::number() const {
  const std::string value = text();
  if (const std::optional<double> number = parse_number(value)) return *number;
  throw error("must be a number, not '" + value + "'");
}

long long Yaml::integer() const {
  const std::string value = text();
  if (const std::optional<long long> number = parse_integer(value)) return *number;
  throw error("must be a whole number, not '" + value + "'");
}

bool Yaml::flag() const {
  const std::string value = text();
  if (value == "true") return true;
  if (value == "false") return false;
  throw error("must be true or false, not '" + value + "'");
}

std::vector<std::string> Yaml::texts() const {
  if (is_scalar()) return {text()};
  std::vector<std::string> out;
  for (const Yaml& item : list()) out.push_back(item.is_null() ? "" : item.text());
  return out;
}

std::vector<double> Yaml::numbers() const {
  std::vector<double> out;
  for (const Yaml& item : list()) out.push_back(item.number());
  return out;
}

void Yaml::allow(std::span<const std::string> known) const {
  for (const auto& [name, value] : items()) {
    bool good = false;
    for (const std::string& candidate : known) good = good || candidate == name;
    if (!good) throw usage_error("unknown key '" + value.key() + "'", value.place(), name_advice(name, known));
  }
}

void Yaml::allow(std::initializer_list<const char*> known) const {
  const std::vector<std::string> names(known.begin(), known.end());
  allow(names);
}

Place Yaml::place() const { return node_->place; }
const std::string& Yaml::key() const { return node_->key; }

Error Yaml::error(const std::string& what, const std::string& remedy) const {
  return usage_error(quoted_key(node_->key) + " " + what, node_->place, remedy);
}

}  // namespace hepar
