// SPDX-License-Identifier: Apache-2.0
#include "data/imaging/phase.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace hepar::imaging {

namespace {

// Chinese entries match anywhere, English ones as whole words. Longer ones stand first and take their words away, so that
// "late arterial" is never "late". `weak` entries are looked at only where no other matched.
struct Word {
  std::string_view phase, text;
  bool weak = false;
};
constexpr auto kWords = std::to_array<Word>({
    {"hepatobiliary", "肝胆特异期"},
    {"hepatobiliary", "肝胆特异"},
    {"hepatobiliary", "肝胆期"},
    {"hepatobiliary", "hepatobiliary"},
    {"hepatobiliary", "hepato biliary"},
    {"hepatobiliary", "hbp"},
    {"hepatobiliary", "20min"},
    {"hepatobiliary", "20 min"},
    {"hepatobiliary", "20分钟"},
    {"arterial", "动脉晚期"},
    {"arterial", "动脉早期"},
    {"arterial", "动脉期"},
    {"arterial", "動脈期"},
    {"arterial", "late arterial"},
    {"arterial", "early arterial"},
    {"arterial", "late art"},
    {"arterial", "early art"},
    {"arterial", "arterial"},
    {"arterial", "a期"},
    {"arterial", "a phase"},
    {"portal", "门静脉期"},
    {"portal", "门脉期"},
    {"portal", "門靜脈期"},
    {"portal", "門脈期"},
    {"portal", "静脉期"},
    {"portal", "portal venous"},
    {"portal", "portovenous"},
    {"portal", "portal vein"},
    {"portal", "portal"},
    {"portal", "pvp"},
    {"portal", "venous"},
    {"portal", "v期"},
    {"portal", "v phase"},
    {"delayed", "延迟期"},
    {"delayed", "延遲期"},
    {"delayed", "平衡期"},
    {"delayed", "移行期"},
    {"delayed", "延迟"},
    {"delayed", "equilibrium"},
    {"delayed", "transitional"},
    {"delayed", "delayed"},
    {"delayed", "delay"},
    {"delayed", "d期"},
    {"delayed", "d phase"},
    {"delayed", "3min"},
    {"delayed", "3 min"},
    {"delayed", "5min"},
    {"delayed", "5 min"},
    {"plain", "平扫"},
    {"plain", "平掃"},
    {"plain", "增强前"},
    {"plain", "non contrast"},
    {"plain", "noncontrast"},
    {"plain", "non enhanced"},
    {"plain", "unenhanced"},
    {"plain", "without contrast"},
    {"plain", "pre contrast"},
    {"plain", "precontrast"},
    {"plain", "plain"},
    {"plain", "native"},
    {"plain", "c-"},
    {"arterial", "动脉", true},
    {"arterial", "art", true},
    {"arterial", "ap", true},
    {"portal", "门静脉", true},
    {"portal", "门脉", true},
    {"portal", "静脉", true},
    {"portal", "pv", true},
    {"portal", "ven", true},
    {"delayed", "late", true},
    {"delayed", "dp", true},
    {"delayed", "ep", true},
    {"delayed", "eq", true},
    {"delayed", "del", true},
    {"plain", "nc", true},
    {"plain", "pre", true},
    {"plain", "nativ", true},
    {"plain", "sans", true},
    {"hepatobiliary", "hb phase", true},
    {"portal", "p期", true},
    {"arterial", "ha", true},
});

// What an MR sequence is comes before any phase.
constexpr auto kSequences = std::to_array<Word>({{"adc", "adc"},
                                                 {"adc", "表观扩散系数"},
                                                 {"adc", "apparent diffusion"},
                                                 {"dwi", "dwi"},
                                                 {"dwi", "diffusion"},
                                                 {"dwi", "弥散"},
                                                 {"dwi", "扩散"},
                                                 {"dwi", "彌散"},
                                                 {"dwi", "ep2d diff"},
                                                 {"t2", "t2w"},
                                                 {"t2", "t2wi"},
                                                 {"t2", "t2"}});

// Folded, every separator one space, a space at both ends; "c-" keeps its sign.
std::string prepared(std::string_view text) {
  const std::string folded = fold_case(nfkc(text));
  std::string out = " ";
  for (std::size_t i = 0; i < folded.size(); ++i) {
    const auto c = static_cast<unsigned char>(folded[i]);
    const bool sign = c == '-' && i > 0 && folded[i - 1] == 'c' && (i == 1 || !std::isalnum(static_cast<unsigned char>(folded[i - 2]))) &&
                      (i + 1 == folded.size() || !std::isalnum(static_cast<unsigned char>(folded[i + 1])));
    const bool word = std::isalnum(c) != 0 || c >= 0x80 || sign;
    if (word)
      out += folded[i];
    else if (out.back() != ' ')
      out += ' ';
  }
  return out + " ";
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

// Takes the word out of the text; false when it is not there.
bool take(std::string& text, std::string_view word) {
  const bool whole = is_ascii(word);
  const std::string wanted = whole ? " " + std::string(word) + " " : std::string(word);
  const std::size_t at = text.find(wanted);
  if (at == std::string::npos) return false;
  text.replace(at, wanted.size(), "  ");
  return true;
}

template <std::size_t N>
Phase by_words(const std::array<Word, N>& words, std::string text, bool weak) {
  std::set<std::string_view> found;
  std::string_view token;
  for (const Word& word : words) {
    if (word.weak != weak) continue;
    while (take(text, word.text)) {
      if (found.insert(word.phase).second && token.empty()) token = word.text;
    }
  }
  if (found.size() != 1) return {{}, found.empty() ? "" : "description names several phases"};
  return {std::string(*found.begin()), "description: " + std::string(token)};
}

// Seconds after the injection; the bounds lie between the usual times of the phases (25-45, 60-80, 120-300, 900-1500 s).
struct Window {
  double from_s, to_s;
  std::string_view phase;
  bool magnetic_resonance;
};
constexpr std::array<Window, 5> kWindows{
    {{-7200, 0, "plain", false}, {15, 52, "arterial", false}, {52, 100, "portal", false}, {100, 600, "delayed", false}, {600, 1800, "hepatobiliary", true}}};

constexpr double kDay_s = 86400, kSameScan_s = 10;

// Scans of one study and modality with contrast agent, in the order of their times: the first is arterial, the second
// portal, later ones delayed. One alone says nothing; a scan without agent before the first of them is plain.
void by_order(const std::vector<PhaseEvidence>& series, std::vector<Phase>& phases, std::size_t of) {
  const auto peer = [&](const PhaseEvidence& one) { return one.study == series[of].study && one.modality == series[of].modality && one.acquired_s; };
  std::vector<double> times;
  for (const PhaseEvidence& one : series)
    if (peer(one) && one.contrast) times.push_back(*one.acquired_s);
  std::sort(times.begin(), times.end());
  std::vector<double> scans;
  for (const double time : times)
    if (scans.empty() || time - scans.back() > kSameScan_s) scans.push_back(time);
  const double at = *series[of].acquired_s;
  if (!series[of].contrast) {
    if (!scans.empty() && at < scans.front()) phases[of] = {"plain", "order: before the first contrast scan"};
    return;
  }
  if (scans.size() < 2) return;
  const auto rank = static_cast<std::size_t>(std::count_if(scans.begin(), scans.end(), [&](double scan) { return scan <= at; }));
  static constexpr std::array<const char*, 3> kInOrder{"arterial", "portal", "delayed"};
  phases[of] = {kInOrder.at(std::min<std::size_t>(rank, 3) - 1), fmt::format("order: {} of {} contrast scans", rank, scans.size())};
}

}  // namespace

Phase phase_by_description(std::string_view description, bool magnetic_resonance) {
  const std::string text = prepared(description);
  if (magnetic_resonance)
    for (const Word& word : kSequences) {
      std::string copy = text;
      if (take(copy, word.text)) return {std::string(word.phase), "description: " + std::string(word.text)};
    }
  Phase strong = by_words(kWords, text, false);
  if (!strong.name.empty() || !strong.rule.empty()) return strong;
  return by_words(kWords, text, true);
}

Phase phase_by_timing(double seconds, bool magnetic_resonance) {
  for (const Window& window : kWindows)
    if (seconds >= window.from_s && seconds < window.to_s && (magnetic_resonance || !window.magnetic_resonance))
      return {std::string(window.phase), fmt::format("timing: {:.0f} s after injection", seconds)};
  return {};
}

std::vector<Phase> phases_of(const std::vector<PhaseEvidence>& series) {
  std::vector<Phase> phases(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    const bool mr = series[i].modality == "MR";
    phases[i] = phase_by_description(series[i].description, mr);
    if (!phases[i].name.empty() || !series[i].acquired_s || !series[i].injected_s) continue;
    double seconds = *series[i].acquired_s - *series[i].injected_s;
    if (seconds < -kDay_s / 2) seconds += kDay_s;  // over midnight
    if (const Phase timed = phase_by_timing(seconds, mr); !timed.name.empty()) phases[i] = timed;
  }
  // Order only where no series of the study is known otherwise: a mixture of rules could name two series alike.
  const std::vector<Phase> before = phases;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!phases[i].name.empty() || !series[i].acquired_s) continue;
    bool known = false;
    for (std::size_t k = 0; k < series.size(); ++k) {
      const bool enhanced =
          !before[k].name.empty() && before[k].name != "plain" && before[k].name != "t2" && before[k].name != "dwi" && before[k].name != "adc";
      known = known || (enhanced && series[k].study == series[i].study && series[k].modality == series[i].modality);
    }
    if (!known) by_order(series, phases, i);
  }
  return phases;
}

}  // namespace hepar::imaging
