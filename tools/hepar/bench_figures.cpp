// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/bench_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace hepar::program {

namespace {

double median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const std::size_t n = samples.size();
  return n % 2 == 1 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

}  // namespace

void Figures::add(const std::string& name, const std::string& unit, double sample) {
  const auto found = std::find_if(figures_.begin(), figures_.end(), [&](const Figure& figure) { return figure.name == name; });
  if (found != figures_.end()) {
    found->samples.push_back(sample);
  } else {
    figures_.push_back({name, unit, {sample}});
  }
}

const Figure& Figures::at(const std::string& name) const {
  for (const Figure& figure : figures_)
    if (figure.name == name) return figure;
  throw Error(ExitCode::bug, "there is no figure '" + name + "'");
}

void Figures::add_ratio(const std::string& name, const std::string& of, const std::string& to) {
  const std::vector<double> above = at(of).samples, below = at(to).samples;
  for (std::size_t i = 0; i < std::min(above.size(), below.size()); ++i) add(name, "x", above[i] / below[i]);
}

std::string Figures::table() const {
  std::size_t width = 8;
  for (const Figure& figure : figures_) width = std::max(width, figure.name.size());
  std::string text = fmt::format("{:<{}}  {:>10} {:>10} {:>10}  {:<12} {}\n", "", width, "median", "min", "max", "unit", "rounds");
  for (const Figure& figure : figures_) {
    const auto [low, high] = std::minmax_element(figure.samples.begin(), figure.samples.end());
    text += fmt::format("{:<{}}  {:>10.4g} {:>10.4g} {:>10.4g}  {:<12} {}\n", figure.name, width, median(figure.samples), *low, *high, figure.unit,
                        figure.samples.size());
  }
  for (const std::string& note : notes_) text += "note: " + note + "\n";
  return text;
}

nlohmann::ordered_json Figures::json() const {
  auto figures = nlohmann::ordered_json::array();
  for (const Figure& figure : figures_) {
    const auto [low, high] = std::minmax_element(figure.samples.begin(), figure.samples.end());
    figures.push_back({{"name", figure.name}, {"unit", figure.unit}, {"median", median(figure.samples)}, {"min", *low}, {"max", *high},
                       {"rounds", figure.samples.size()}, {"samples", figure.samples}});
  }
  return {{"figures", figures}, {"notes", notes_}};
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace hepar::program
