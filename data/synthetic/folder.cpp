// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/folder.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/sealed.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hepar::synthetic {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMarker = "synth.json";
constexpr const char* kMarkerSchema = "hepar-synth/1";
constexpr const char* kElsewhere = "choose another --out, or move it away";

// A run that was killed in its first moments leaves no more than the marker's draft.
bool holds_nothing(const fs::path& folder) {
  const std::vector<fs::path> entries = entries_of(folder);
  return std::all_of(entries.begin(), entries.end(), [](const fs::path& entry) { return entry.filename().string().starts_with(std::string(kMarker) + ".tmp."); });
}

void refuse_other_arguments(const fs::path& out, const Arguments& arguments) {
  const Json begun = read_sealed(out / kMarker, kMarkerSchema, kElsewhere).at("arguments");
  for (const auto& [flag, value] : arguments)
    if (const std::string before = begun.value(flag, ""); before != value)
      throw usage_error("holds a cohort that was begun with --" + flag + " " + before + ", not " + value, {out.string()}, "give the same arguments to make it whole, or remove it");
}

void refuse_others_files(const fs::path& out) {
  std::error_code absent;
  if (fs::exists(out / "cohort.yaml", absent)) throw usage_error("holds a cohort already", {out.string()}, kElsewhere);
  for (const fs::path& folder : {out, truth_folder(out)})
    if (!holds_nothing(folder)) throw usage_error("is neither empty nor a cohort that synth began", {folder.string()}, kElsewhere);
}

}  // namespace

fs::path truth_folder(const fs::path& out) { return (out.has_filename() ? out : out.parent_path()).string() + ".truth"; }  // "cohort/" is "cohort"

void begin_cohort(const fs::path& out, const Arguments& arguments) {
  std::error_code absent;
  const bool begun = fs::exists(out / kMarker, absent);
  if (begun) {
    refuse_other_arguments(out, arguments);
  } else {
    refuse_others_files(out);
  }
  make_folder(out);
  remove_stale_temporaries(out);
  if (begun) return;
  Json given = Json::object();
  for (const auto& [flag, value] : arguments) given[flag] = value;
  publish(out / kMarker, sealed({{"schema", kMarkerSchema}, {"arguments", given}}));
}

void finish_cohort(const fs::path& out) {
  std::error_code failed;
  fs::remove(out / kMarker, failed);
  if (failed) {
    errno = failed.value();
    throw disk_error("cannot remove the mark of an unfinished cohort", {(out / kMarker).string()});
  }
  sync_folder(out);
}

}  // namespace hepar::synthetic
