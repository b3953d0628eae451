// SPDX-License-Identifier: Apache-2.0
// The modalities of cohort.yaml: one function a kind.
#include "data/cohort/spec_parts.hpp"

#include <algorithm>

namespace hepar::spec_parts {

namespace {

constexpr std::array<Named<Kind>, 4> kKinds{
    {{"vector", Kind::vector}, {"bag", Kind::bag}, {"volume", Kind::volume}, {"sequence", Kind::sequence}}};
constexpr std::array<Named<Tiling>, 2> kTilings{{{"um", Tiling::um}, {"clam", Tiling::clam}}};
constexpr std::array<Named<Resample>, 2> kResamples{{{"area", Resample::area}, {"dct", Resample::dct}}};
constexpr std::array<Named<double>, 2> kTimings{{{"pre_op", KnownAt::kPreOp}, {"post_op", KnownAt::kPostOp}}};

std::array<int, 3> three_whole(const Yaml& node) {
  const std::vector<double> numbers = node.numbers();
  if (numbers.size() != 3 || std::any_of(numbers.begin(), numbers.end(),
                                         [](double v) { return v < 1 || v > 1024 || v != static_cast<int>(v); }))
    throw node.error("must be three whole numbers [x, y, z] from 1 to 1024");
  return {static_cast<int>(numbers[0]), static_cast<int>(numbers[1]), static_cast<int>(numbers[2])};
}

void read_source(ModalitySpec& modality, const Yaml& node, const char* expected) {
  modality.source = node.at("source").text();
  if (modality.source != expected)
    throw node.at("source").error("is '" + modality.source + "'",
                                  std::string("a ") + std::string(name_of(modality.kind)) + " comes from " + expected);
}

void read_vector(ModalitySpec& modality, const Yaml& node, const CohortSpec& spec) {
  node.allow({"kind", "columns"});
  modality.columns = node.at("columns").texts();
  modality.known = {KnownAt::kPreOp};  // each column carries its own time
  if (modality.columns.empty()) throw node.at("columns").error("is empty", "name the declared columns that enter");
  std::vector<std::string> names;
  for (const ColumnSpec& column : spec.columns) names.push_back(column.name);
  for (const std::string& column : modality.columns) {
    if (spec.column(column) == nullptr)
      throw node.at("columns").error("names an undeclared column '" + column + "'", name_advice(column, names));
    if (std::count(modality.columns.begin(), modality.columns.end(), column) > 1)
      throw node.at("columns").error("names '" + column + "' twice");
  }
}

void read_volume(ModalitySpec& modality, const Yaml& node) {
  node.allow({"kind", "source", "timing", "phases", "grid", "spacing_mm"});
  read_source(modality, node, "imaging");
  if (const auto value = node.find("timing")) {
    modality.known = {choose(*value, kTimings)};
    modality.timing = value->text();
  } else {
    modality.known = {KnownAt::kPreOp};
  }
  modality.phases = node.has("phases") ? node.at("phases").texts() : std::vector<std::string>{"any"};
  if (modality.phases.empty()) throw node.at("phases").error("is empty");
  if (const auto value = node.find("grid")) modality.grid = three_whole(*value);
  if (const auto value = node.find("spacing_mm")) {
    const std::vector<double> mm = value->numbers();
    if (mm.size() != 3 || std::any_of(mm.begin(), mm.end(), [](double v) { return v <= 0; }))
      throw value->error("must be three positive numbers [x, y, z]");
    std::copy(mm.begin(), mm.end(), modality.spacing_mm.begin());
  }
}

void read_bag(ModalitySpec& modality, const Yaml& node) {
  node.allow({"kind", "source", "um_per_pixel", "tile", "encoder", "tiling", "resample"});
  read_source(modality, node, "slides");
  if (const auto value = node.find("um_per_pixel")) {
    modality.um_per_pixel = value->number();
    if (modality.um_per_pixel <= 0) throw value->error("must be positive");
  }
  if (const auto value = node.find("tile")) {
    const long long tile = value->integer();
    if (tile < 8 || tile > 8192) throw value->error("must lie from 8 to 8192 pixels");
    modality.tile = static_cast<int>(tile);
  }
  if (const auto value = node.find("encoder")) modality.encoder = value->text();
  if (const auto value = node.find("tiling")) modality.tiling = choose(*value, kTilings);
  if (const auto value = node.find("resample")) modality.resample = choose(*value, kResamples);
}

}  // namespace

ModalitySpec read_modality(const std::string& name, const Yaml& node, const CohortSpec& spec) {
  check_name(name, node);
  // Groups that a store keeps for itself.
  if (name == "patient" || name == "facts")
    throw node.error("is a name that stores keep for themselves", "call the modality something else");
  ModalitySpec modality;
  modality.name = name;
  modality.place = node.place();
  modality.kind = choose(node.at("kind"), kKinds);
  modality.known = {KnownAt::kPostOp};
  switch (modality.kind) {
    case Kind::vector:
      read_vector(modality, node, spec);
      break;
    case Kind::volume:
      read_volume(modality, node);
      break;
    case Kind::bag:
      read_bag(modality, node);
      break;
    case Kind::sequence:
      node.allow({"kind", "source"});
      read_source(modality, node, "reports");
      break;
  }
  return modality;
}

}  // namespace hepar::spec_parts
