// SPDX-License-Identifier: Apache-2.0
// `hepar radiomics`: the IBSI features of a region of one image.
#include "data/imaging/radiomics.hpp"

#include "data/base/files.hpp"
#include "data/base/table.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

class RadiomicsCommand : public Command {
 public:
  std::string_view name() const override { return "radiomics"; }
  std::string_view summary() const override { return "IBSI features of a region of a DICOM or NIfTI image"; }
  std::string_view example() const override { return "hepar radiomics --image ct.nii.gz --mask tumour.nii.gz --set spacing_mm=[2,2,2] --set discretise.fbs=25 --json"; }
  std::string_view schema() const override { return "hepar-radiomics/1"; }
  std::vector<Row> rows() override {
    std::vector<Row> all{required(row("image", image_, "image: a DICOM folder or file, or NIfTI")), required(row("mask", mask_, "its mask: DICOM-SEG, RTSTRUCT or NIfTI")),
                         row("label", label_, "segment or structure of the mask; empty: all of them")};
    for (Row& one : keys_.rows()) all.push_back(std::move(one));
    return all;
  }

  ExitCode run(const Context& context, const std::vector<std::string>&) override {
    mpi::together(context.world, [&] {
      if (context.world.root()) measure(context);
    });
    return ExitCode::done;
  }

 private:
  void measure(const Context& context) const {
    const RadiomicsSettings settings = keys_.settings();
    const imaging::ReadImage read = imaging::read_image(image_);
    if (!read.image) throw input_error("cannot be read: " + read.detail, {image_}, "hepar inspect shows what is wrong with it");
    const imaging::ReadMask mask = imaging::read_mask(*read.image, mask_, label_);
    if (!mask.mask) throw input_error("cannot be used as the mask: " + mask.detail, {mask_}, "give a mask that was drawn on this image");
    const imaging::Radiomics found = imaging::radiomics(*read.image, *mask.mask, settings);
    if (!found.problem.empty()) throw input_error(found.problem, {mask_}, "check the mask and the settings");
    for (const std::string& note : found.notes) context.console.note(note);
    if (context.json) {
      print_as_json(found);
    } else {
      print_table(found);
    }
  }

  static void print_as_json(const imaging::Radiomics& found) {
    Json out = Json::array();
    for (const imaging::RadiomicsValue& value : found.values) {
      out.push_back({{"tag", value.tag}, {"family", value.family}, {"feature", value.feature}, {"aggregation", value.aggregation}, {"value", std::isfinite(value.value) ? Json(value.value) : Json(nullptr)}});
      if (!value.reason.empty()) out.back()["reason"] = value.reason;
    }
    print_json(out, 1);
  }

  static void print_table(const imaging::Radiomics& found) {
    for (const imaging::RadiomicsValue& value : found.values)
      fmt::print("{:<34} {:<28} {}\n", value.tag, value.family, std::isfinite(value.value) ? fmt::format("{:.6g}", value.value) : fmt::format("- ({})", value.reason));
  }

  std::string image_, mask_, label_;
  RadiomicsKeys keys_;
};

}  // namespace

std::unique_ptr<Command> make_radiomics_command() { return std::make_unique<RadiomicsCommand>(); }

}  // namespace hepar::program
