// SPDX-License-Identifier: Apache-2.0
#include "data/pathology/scale.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <array>

namespace hepar::pathology {

namespace {

constexpr double kFinest = 0.1, kCoarsest = 2.5;
constexpr double kFinestByHand = 0.01, kCoarsestByHand = 50;

using Pair = std::optional<std::pair<double, double>>;
struct Properties {
  const void* context;
  PropertyOf get;
  [[nodiscard]] std::optional<double> number(const char* name) const { return parse_number(trim(get(context, name).value_or(""))); }
  [[nodiscard]] std::string text(const char* name) const { return get(context, name).value_or(""); }
};

Pair both(std::optional<double> x, std::optional<double> y) {
  if (!x && !y) return std::nullopt;
  return std::pair(x ? *x : *y, y ? *y : *x);
}

Pair from_vendor(const Properties& of) { return both(of.number("openslide.mpp-x"), of.number("openslide.mpp-y")); }
Pair from_aperio(const Properties& of) { return both(of.number("aperio.MPP"), std::nullopt); }

Pair from_tiff(const Properties& of) {
  const std::string unit = fold_case(of.text("tiff.ResolutionUnit"));
  const double um = unit == "centimeter" ? 1e4 : unit == "inch" ? 25.4e3 : 0;  // "none": a ratio, no scale
  const auto x = of.number("tiff.XResolution"), y = of.number("tiff.YResolution");
  if (um == 0 || (!x && !y) || (x && *x <= 0) || (y && *y <= 0)) return std::nullopt;
  return both(x ? std::optional(um / *x) : std::nullopt, y ? std::optional(um / *y) : std::nullopt);
}

// The number of name="number" in an OME-XML description, in um.
std::optional<double> ome_number(const std::string& text, const std::string& axis) {
  const std::string name = "PhysicalSize" + axis;
  const auto value_of = [&](const std::string& attribute) -> std::string {
    const std::size_t at = text.find(attribute + "=\"");
    if (at == std::string::npos) return {};
    const std::size_t from = at + attribute.size() + 2, to = text.find('"', from);
    return to == std::string::npos ? std::string() : text.substr(from, to - from);
  };
  const std::string unit = value_of(name + "Unit");
  const double um = unit == "nm" ? 1e-3 : unit == "mm" ? 1e3 : unit.empty() || unit == "um" || unit == "µm" || unit == "&#181;m" || unit == "μm" ? 1 : 0;
  const std::optional<double> value = parse_number(value_of(name));
  if (!value || um == 0) return std::nullopt;
  return *value * um;
}

Pair from_ome(const Properties& of) {
  for (const char* name : {"openslide.comment", "tiff.ImageDescription"}) {
    const std::string text = of.text(name);
    if (const Pair found = both(ome_number(text, "X"), ome_number(text, "Y"))) return found;
    const std::string open = "<PixelSizeMicrons>";
    if (const std::size_t at = text.find(open); at != std::string::npos)
      if (const auto value = parse_number(trim(text.substr(at + open.size(), text.find('<', at + open.size()) - at - open.size())))) return both(value, std::nullopt);
  }
  return std::nullopt;
}

struct Rung { const char* name; Pair (*find)(const Properties&); };
constexpr std::array<Rung, 4> kLadder{{{"vendor", &from_vendor}, {"aperio.MPP", &from_aperio}, {"tiff", &from_tiff}, {"ome", &from_ome}}};

constexpr const char* kAdvice = "give um_per_pixel in the slides table";

bool within(const std::pair<double, double>& um, double low, double high) { return um.first >= low && um.first <= high && um.second >= low && um.second <= high; }

}  // namespace

Scale scale_from(const void* context, PropertyOf get, std::optional<double> manifest) {
  if (manifest) {
    if (*manifest >= kFinestByHand && *manifest <= kCoarsestByHand) return {*manifest, *manifest, "manifest", "", ""};
    return {*manifest, *manifest, "manifest", "odd_scale", fmt::format("the slides table says {} um/px, which no scanner has", *manifest)};
  }
  const Properties properties{context, get};
  std::optional<Scale> odd;
  for (const Rung& rung : kLadder) {
    const Pair found = rung.find(properties);
    if (!found || found->first <= 0 || found->second <= 0) continue;
    if (within(*found, kFinest, kCoarsest)) return {found->first, found->second, rung.name, "", ""};
    if (!odd)
      odd = {found->first, found->second, rung.name, "odd_scale",
             fmt::format("{:.4g} um/px ({}) is no scan resolution, more likely one for print; {}", found->first, rung.name, kAdvice)};
  }
  if (odd) return *odd;
  std::string text = std::string("the file says no um per pixel; ") + kAdvice;
  if (const auto power = properties.number("openslide.objective-power"); power && *power > 0)
    text += fmt::format(" (its objective power of {:g} suggests about {:.2f})", *power, 10 / *power);
  return {0, 0, "", "no_scale", text};
}

Scale scale_of(const Slide& slide, std::optional<double> manifest) {
  return scale_from(&slide, [](const void* context, const std::string& name) { return static_cast<const Slide*>(context)->property(name); }, manifest);
}

}  // namespace hepar::pathology
