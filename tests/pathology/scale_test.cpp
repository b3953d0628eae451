// SPDX-License-Identifier: Apache-2.0
// The ladder of resolutions.
#include "data/pathology/scale.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hepar::pathology {
namespace {

using Properties = std::map<std::string, std::string>;

Scale scale(const Properties& properties, std::optional<double> manifest = std::nullopt) {
  return scale_from(&properties,
                    [](const void* context, const std::string& name) {
                      const auto& all = *static_cast<const Properties*>(context);
                      const auto found = all.find(name);
                      return found == all.end() ? std::nullopt : std::optional(found->second);
                    },
                    manifest);
}

TEST(Scale, TheFirstRungThatSaysSomethingPlausibleWins) {
  const Properties tiff{{"tiff.XResolution", "40000"}, {"tiff.YResolution", "20000"}, {"tiff.ResolutionUnit", "centimeter"}};
  Properties all = tiff;
  EXPECT_EQ(scale(all).source, "tiff");
  EXPECT_DOUBLE_EQ(scale(all).x, 0.25);
  EXPECT_DOUBLE_EQ(scale(all).y, 0.5) << "each axis its own";
  all["aperio.MPP"] = "0.2498";
  EXPECT_EQ(scale(all).source, "aperio.MPP");
  all["openslide.mpp-x"] = "0.2501";
  all["openslide.mpp-y"] = "0.2502";
  EXPECT_EQ(scale(all).source, "vendor");
  EXPECT_DOUBLE_EQ(scale(all).y, 0.2502);
  EXPECT_EQ(scale(all, 0.3).source, "manifest");
  EXPECT_DOUBLE_EQ(scale(all, 0.3).x, 0.3);
}

TEST(Scale, InchesAndOmeUnitsAreConverted) {
  EXPECT_NEAR(scale({{"tiff.XResolution", "50800"}, {"tiff.YResolution", "50800"}, {"tiff.ResolutionUnit", "inch"}}).x, 0.5, 1e-12);
  const Scale ome = scale({{"openslide.comment", R"(<OME><Pixels PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.26" SizeX="9"/></OME>)"}});
  EXPECT_EQ(ome.source, "ome");
  EXPECT_NEAR(ome.x, 0.25, 1e-12);
  EXPECT_NEAR(ome.y, 0.26, 1e-12);
  EXPECT_NEAR(scale({{"tiff.ImageDescription", "<x><PixelSizeMicrons> 0.4 </PixelSizeMicrons></x>"}}).x, 0.4, 1e-12);
}

TEST(Scale, PrintResolutionsAreOddAndNothingIsNone) {
  const Scale print = scale({{"tiff.XResolution", "28.34"}, {"tiff.YResolution", "28.34"}, {"tiff.ResolutionUnit", "centimeter"}});
  EXPECT_FALSE(print.usable());
  EXPECT_EQ(print.code, "odd_scale");
  EXPECT_NEAR(print.x, 352.86, 0.01);
  EXPECT_EQ(scale({}).code, "no_scale");
  EXPECT_EQ(scale({{"tiff.XResolution", "1"}, {"tiff.YResolution", "1"}, {"tiff.ResolutionUnit", "none"}}).code, "no_scale") << "a ratio is no scale";
  const Scale power = scale({{"openslide.objective-power", "20"}});
  EXPECT_EQ(power.code, "no_scale") << "a magnification is a hint for the reader, never a scale";
  EXPECT_NE(power.text.find("0.50"), std::string::npos);
  // An odd rung is passed over for a good one below.
  EXPECT_EQ(scale({{"openslide.mpp-x", "352.8"}, {"openslide.mpp-y", "352.8"}, {"aperio.MPP", "0.25"}}).source, "aperio.MPP");
}

}  // namespace
}  // namespace hepar::pathology
