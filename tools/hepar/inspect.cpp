// SPDX-License-Identifier: Apache-2.0
// `hepar inspect`: what Hepar sees in a store, run, sweep, table of predictions, cohort folder, image, feature file or report, or why it is refused.
#include "tools/hepar/inspect.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/special.hpp"
#include "data/base/text.hpp"
#include "tools/hepar/command.hpp"
#include "tools/hepar/print_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace hepar::program {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kReadable =
    "inspect reads stores, runs, sweeps, predictions, cohorts, DICOM, NIfTI (.nii), whole slides, tile features (.h5) and reports (.txt, .md)";

Finding look(const fs::path& path, const std::vector<Look>& kinds, const InspectOptions& options) {
  std::error_code missing;
  if (is_special(path)) return refused(path, kinds.back().name, "is a pipe or device, not a file");
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Look& one) { return one.takes(path); });
  if (!fs::exists(path, missing)) return refused(path, kind->name, "does not exist");
  try {
    Finding found = kind->look(path, options);
    if (options.verify && found.damage.empty() && !found.json.contains("verified_files")) found.json["verified_files"] = 0;
    return found;
  } catch (const Error& error) {
    // A damaged store, run or sweep and a patient that is not there are the command's error, with their own exit code.
    if (const std::string_view name = kind->name; name == "store" || name == "run" || name == "sweep" || name == "predictions") throw;
    return refused(path, kind->name, error.what());
  }
}

std::size_t write_files(const fs::path& path, const std::vector<Look>& kinds, const InspectOptions& options) {
  if (is_special(path)) throw input_error("is a pipe or device, not a file", {path.string()});
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Look& one) { return one.takes(path); });
  std::error_code missing;
  if (!fs::exists(path, missing)) throw input_error("does not exist", {path.string()});
  if (kind->write == nullptr)
    throw usage_error("there is nothing to export from a " + std::string(kind->name), {path.string()},
                      "a store or feature file gives tile features, a slide its tissue mask");
  return kind->write(path, {options.export_to, options.layout, options.patient, options.um_per_pixel > 0 ? std::optional(options.um_per_pixel) : std::nullopt});
}

// "phase portal, frames 28, …" of a series, a level, a node: what is known of it, on one line.
std::string one_line(const Json& object) {
  std::string line;
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;
    const std::string told = value.is_string() ? value.get<std::string>() : value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : value.dump();
    line += (line.empty() ? "" : ", ") + key + " " + told;
  }
  return line;
}

bool nested(const Json& object) { return std::any_of(object.begin(), object.end(), [](const Json& value) { return value.is_object(); }); }

// A line each of what an object holds; an object of plain values takes one line, all others lines of their own.
void print_keys(const Json& json, std::size_t indent) {
  constexpr std::size_t kColumn = 18;  // where values start, for names that are not longer
  const std::string margin(indent, ' ');
  const auto line = [&](const std::string& key, const std::string& value) { fmt::print("{}{:<{}} {}\n", margin, key, kColumn - std::min<std::size_t>(indent, 2), value); };
  for (const auto& [key, value] : json.items()) {
    if (value.is_array() && !value.empty() && value.front().is_object()) {
      for (std::size_t i = 0; i < value.size(); ++i) line(key + " " + std::to_string(i + 1), one_line(value[i]));
    } else if (!value.is_object()) {
      line(key, value.is_string() ? value.get<std::string>() : value.dump());
    } else if (!nested(value) && indent > 2) {
      line(key, one_line(value));
    } else {
      fmt::print("{}{}\n", margin, key);
      print_keys(value, indent + 2);
    }
  }
}

// What the first line, the notes and the line of --verify do not say.
Json details_of(Json json) {
  for (const char* said : {"path", "kind", "readable", "usable", "reason", "notes", "verified_files"}) json.erase(said);
  return json;
}

std::string verified_text(std::size_t files) {
  if (files == 0) return "nothing, for no file of it has a hash";
  return files == 1 ? "1 file by its hash" : fmt::format("{} files by their hashes", files);
}

void print(const Finding& found) {
  const Json& json = found.json;
  if (found.text.empty()) {
    fmt::print("{}: {}{}\n", json.at("path").get<std::string>(), json.at("kind").get<std::string>(),
               json.at("usable").get<bool>() ? "" : ", not usable: " + json.at("reason").get<std::string>());
    print_keys(details_of(json), 2);
  } else {
    fmt::print("{}: {}", json.at("path").get<std::string>(), found.text);
  }
  if (const auto files = json.find("verified_files"); files != json.end()) fmt::print("  verified: {}\n", verified_text(*files));
  for (const Json& note : json.at("notes")) fmt::print("  note: {}\n", note.at("text").get<std::string>());
  for (const std::string& damage : found.damage) fmt::print("  damaged: {}\n", damage);
}

class Inspect : public Command {
 public:
  std::string_view name() const override { return "inspect"; }
  std::string_view summary() const override { return "what Hepar sees in a store, run, sweep, predictions, cohort, image, feature file or report"; }
  std::string_view example() const override { return "hepar inspect store --verify"; }
  std::string_view positional() const override { return "PATH…: what to look at"; }
  std::vector<Row> rows() override {
    return {row("verify", options_.verify, "re-hash a store, run, validation, sweep or sealed predictions; exit 4 names what differs. Without a hash: logs (events.jsonl, tensorboard/, trace.json, status.json) and what a store says to people (summary.json, *.csv, quality.html, journal/)"), row("patient", options_.patient, "show this patient of a store"),
            row("um_per_pixel", options_.um_per_pixel, {0, 100}, "um", "of a slide whose file does not say it"),
            row("export", options_.export_to, "folder for tile features (of a store or feature file) or the tissue mask (of a slide, GeoJSON)"),
            row("layout", options_.layout, {"clam", "trident"}, "of exported tile features")};
  }

  ExitCode run(const Context& context, const std::vector<std::string>& words) override {
    mpi::together(context.world, [&] {
      if (context.world.root()) inspect(context, words);
    });
    return ExitCode::done;
  }

 private:
  void inspect(const Context& context, const std::vector<std::string>& words) const {
    if (words.empty()) throw usage_error("'inspect' needs a path", {}, "example: " + std::string(example()));
    std::vector<Look> kinds = made_looks();
    for (const Look& raw : raw_looks()) kinds.push_back(raw);
    if (!options_.export_to.empty()) {
      std::size_t files = 0;
      for (const std::string& word : words) files += write_files(word, kinds, options_);
      fmt::print("{}: {} file{}\n", options_.export_to, files, files == 1 ? "" : "s");
      return;
    }
    std::vector<Finding> findings;
    for (const std::string& word : words) findings.push_back(look(word, kinds, options_));
    Json all = Json::array();
    for (const Finding& found : findings) {
      if (!context.json) print(found);
      all.push_back(found.json);
    }
    if (context.json) print_json(all, 1);
    for (const Finding& found : findings)
      if (!found.damage.empty())
        throw store_error("is damaged: " + found.damage.front(), {found.json.at("path").get<std::string>()}, "restore the file, or make it again");
    for (const Finding& found : findings)
      if (!found.readable())
        throw input_error("cannot be read: " + found.json.at("reason").get<std::string>(), {found.json.at("path").get<std::string>()},
                          kReadable);
  }

  InspectOptions options_;
};

}  // namespace

Finding finding(const fs::path& path, std::string_view kind) {
  return {{{"path", path.string()}, {"kind", kind}, {"readable", true}, {"usable", true}, {"reason", nullptr}, {"notes", Json::array()}}, {}};
}

Finding refused(const fs::path& path, std::string_view kind, const std::string& reason) {
  Finding found = finding(path, kind);
  found.json["readable"] = found.json["usable"] = false;
  found.json["reason"] = reason;
  return found;
}

void note_verified(Finding& found, const Verified& verified) {
  found.damage = verified.problems;
  if (verified.problems.empty()) {
    found.json["verified_files"] = verified.files;
    return;
  }
  found.json["usable"] = false;
  found.json["reason"] = verified.problems.front();
}

bool ends_with_one_of(const fs::path& path, std::initializer_list<const char*> ends) {
  const std::string name = fold_case(path.filename().string());
  return std::any_of(ends.begin(), ends.end(), [&](const char* end) { return name.ends_with(end); });
}

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<Inspect>(); }

}  // namespace hepar::program
