// SPDX-License-Identifier: Apache-2.0
// What a person sees while work goes on: notes and one refreshed progress line on stderr; plain lines where stderr is
// no terminal; nothing with --quiet. Only the rank that was given a loud console prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hepar {

class Console {
 public:
  enum class Style { quiet, plain, terminal };
  // terminal when stderr is one and neither TERM=dumb nor --quiet; colour also needs NO_COLOR unset.
  static Console detect(bool quiet);
  explicit Console(Style style, bool colour = false) : style_(style), colour_(colour) {}

  void note(std::string_view line) const;       // one line on stderr, above a progress line
  void warning(std::string_view line) const;
  [[nodiscard]] Style style() const { return style_; }
  [[nodiscard]] bool colour() const { return colour_; }

 private:
  Style style_;
  bool colour_;
};

// "label  312/1000  45.1 patients/s  15 s left  <extra>", refreshed at most five times a second on a terminal, a line
// every ten seconds in a log. The destructor ends the line.
class Progress {
 public:
  // `total`: what this process is to do; what was done before a resume counts in neither number.
  Progress(const Console& console, std::string label, std::int64_t total, std::string unit);
  Progress(const Progress&) = delete;
  ~Progress();
  void advance_to(std::int64_t done, std::string_view extra = {});

 private:
  void print(std::string_view extra, bool last);
  const Console& console_;
  std::string label_, unit_, extra_;
  std::int64_t total_, done_ = 0;
  std::chrono::steady_clock::time_point start_, shown_;
};

[[nodiscard]] std::string duration_text(double seconds);  // "45 s", "3 min 20 s", "2 h 05 min"

}  // namespace hepar
