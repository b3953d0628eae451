// SPDX-License-Identifier: Apache-2.0
#include "trainer/report/svg.hpp"

#include "data/base/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hepar::report {

namespace {

constexpr double kLeft = 88, kRight = 22, kTop = 12, kBottom = 48;
constexpr int kCountRow = 20;

std::string path_of(const Points& points, bool stepped, const auto& px, const auto& py) {
  std::string path;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (stepped && i > 0) path += fmt::format("L{:.1f} {:.1f}", px(points[i].first), py(points[i - 1].second));
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", px(points[i].first), py(points[i].second));
  }
  return path;
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0)) return {low};
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= rough * 0.999) break;
  }
  std::vector<double> out;
  for (double at = std::ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step) out.push_back(std::abs(at) < 1e-12 ? 0 : at);
  return out;
}

Chart::Chart(std::string title, Axis x, Axis y, int width, int height)
    : title_(std::move(title)), x_(std::move(x)), y_(std::move(y)), width_(width), height_(height) {}

double Chart::px(double x) const { return kLeft + (x - x_.low) / (x_.high - x_.low) * (width_ - kLeft - kRight); }
double Chart::py(double y) const { return height_ - kBottom - (std::clamp(y, y_.low, y_.high) - y_.low) / (y_.high - y_.low) * (height_ - kTop - kBottom); }

void Chart::line(const Points& points, const std::string& css) {
  marks_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", css,
                        path_of(
                            points, false, [&](double v) { return px(v); }, [&](double v) { return py(v); }));
}

void Chart::steps(const Points& points, const std::string& css) {
  marks_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", css,
                        path_of(
                            points, true, [&](double v) { return px(v); }, [&](double v) { return py(v); }));
}

void Chart::band(const Points& low, const Points& high, const std::string& css) {
  Points back;  // the lower steps, from the last to the first
  for (std::size_t i = low.size(); i-- > 0;) {
    back.push_back(low[i]);
    if (i > 0) back.emplace_back(low[i].first, low[i - 1].second);
  }
  std::string path = path_of(
      high, true, [&](double v) { return px(v); }, [&](double v) { return py(v); });
  for (const auto& [x, y] : back) path += fmt::format("L{:.1f} {:.1f}", px(x), py(y));
  marks_ += fmt::format("<path class=\"{}\" d=\"{}Z\"/>", css, path);
}

void Chart::dot(double x, double y, const std::string& css, double radius) {
  marks_ += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"/>", css, px(x), py(y), radius);
}

void Chart::interval(double x, double low, double high, const std::string& css) {
  marks_ += fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", css, px(x), py(low), py(high));
}

void Chart::counts(const std::string& title, const std::vector<CountRow>& rows) {
  int y = height_ + 14;
  marks_ += fmt::format("<text class=\"axis\" x=\"6\" y=\"{}\">{}</text>", y, escaped(title));
  for (const CountRow& row : rows) {
    y += kCountRow;
    marks_ += fmt::format("<g class=\"counts\"><text class=\"{}\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\">{}</text>", row.css, kLeft - 18, y, escaped(row.name));
    for (const auto& [x, count] : row.counts) marks_ += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.0f}</text>", px(x), y, count);
    marks_ += "</g>";
  }
  below_ = y + 8 - height_;
}

std::string Chart::svg() const {
  const auto places = [](const Axis& axis, int count) {
    if (!(axis.step > 0)) return ticks(axis.low, axis.high, count);
    std::vector<double> out;
    for (double at = axis.low; at <= axis.high + 1e-9; at += axis.step) out.push_back(at);
    return out;
  };
  const auto text = [](const Axis& axis, double at) { return axis.percent ? fmt::format("{:.0f} %", 100 * at) : fmt::format("{:g}", at); };
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>", width_, height_ + below_, escaped(title_), escaped(title_));
  for (const double at : places(x_, 6))
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}V{:.1f}\"/><text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                       px(at), kTop, height_ - kBottom, px(at), height_ - kBottom + 17, text(x_, at));
  for (const double at : places(y_, 5))
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                       kLeft, py(at), width_ - kRight, kLeft - 8, py(at) + 4, text(y_, at));
  out += fmt::format("<path class=\"frame\" d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\"/>", kLeft, kTop, height_ - kBottom, width_ - kRight);
  out += fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", (kLeft + width_ - kRight) / 2, height_ - 10, escaped(x_.label));
  out += fmt::format("<text class=\"axis\" transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>", (kTop + height_ - kBottom) / 2, escaped(y_.label));
  return out + marks_ + "</svg>";
}

}  // namespace hepar::report
