// SPDX-License-Identifier: Apache-2.0
// Charts as inline SVG text: a scale, a plot area, marks. Colours are CSS classes, so that the page's theme rules them.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hepar::report {

// About `count` round numbers that cover [low, high].
[[nodiscard]] std::vector<double> ticks(double low, double high, int count);

using Points = std::vector<std::pair<double, double>>;

struct Axis {
  double low = 0, high = 1;
  std::string label;
  double step = 0;       // between ticks; 0: about six round numbers
  bool percent = false;  // 0.25 is written "25 %"
};

// A row of numbers under a chart, each below its x: "Number at risk".
struct CountRow {
  std::string name, css;
  Points counts;  // (x, count)
};

// A chart with axes drawn; x to the right, y upwards. All marks are cut to the plot area by the caller's data.
class Chart {
 public:
  Chart(std::string title, Axis x, Axis y, int width = 560, int height = 320);
  void line(const Points& points, const std::string& css);                   // polyline
  void steps(const Points& points, const std::string& css);                  // right-continuous
  void band(const Points& low, const Points& high, const std::string& css);  // between two step curves
  void dot(double x, double y, const std::string& css, double radius = 4);
  void interval(double x, double low, double high, const std::string& css);  // vertical
  void counts(const std::string& title, const std::vector<CountRow>& rows);
  [[nodiscard]] std::string svg() const;

 private:
  [[nodiscard]] double px(double x) const;
  [[nodiscard]] double py(double y) const;
  std::string title_;
  Axis x_, y_;
  int width_, height_;  // of the chart; rows of counts come below
  int below_ = 0;
  std::string marks_;
};

}  // namespace hepar::report
