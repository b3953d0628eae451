// SPDX-License-Identifier: Apache-2.0
#include "data/base/log.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hepar {

namespace {

constexpr std::chrono::milliseconds kRefresh{200};
constexpr std::chrono::seconds kLogEvery{10};

void write_line(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Console Console::detect(bool quiet) {
  if (quiet) return Console(Style::quiet);
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  if (::isatty(STDERR_FILENO) == 0 || dumb) return Console(Style::plain);
  return Console(Style::terminal, std::getenv("NO_COLOR") == nullptr);
}

void Console::note(std::string_view line) const {
  if (style_ == Style::quiet) return;
  write_line((style_ == Style::terminal ? "\r\x1b[K" : "") + std::string(line) + "\n");
}

void Console::warning(std::string_view line) const {
  if (style_ == Style::quiet) return;
  note(colour_ ? fmt::format("\x1b[33mwarning:\x1b[0m {}", line) : fmt::format("warning: {}", line));
}

Progress::Progress(const Console& console, std::string label, std::int64_t total, std::string unit)
    : console_(console), label_(std::move(label)), unit_(std::move(unit)), total_(total), start_(std::chrono::steady_clock::now()), shown_(start_) {}

Progress::~Progress() {
  if (done_ > 0) print(extra_, true);
}

void Progress::advance_to(std::int64_t done, std::string_view extra) {
  done_ = done;
  extra_ = extra;
  const auto now = std::chrono::steady_clock::now();
  const bool terminal = console_.style() == Console::Style::terminal;
  if (terminal ? now - shown_ < kRefresh : now - shown_ < kLogEvery) return;
  shown_ = now;
  print(extra, false);
}

void Progress::print(std::string_view extra, bool last) {
  if (console_.style() == Console::Style::quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = fmt::format("{}  {}/{}  {:.4g} {}/s", label_, done_, total_, rate, unit_);
  if (last) {
    line += "  in " + duration_text(seconds);
  } else if (rate > 0) {
    line += "  " + duration_text(static_cast<double>(total_ - done_) / rate) + " left";
  }
  if (!extra.empty()) line += "  " + std::string(extra);
  const bool terminal = console_.style() == Console::Style::terminal;
  write_line((terminal ? "\r\x1b[K" : "") + line + (last || !terminal ? "\n" : ""));
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02d} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02d} min", whole / 3600, whole / 60 % 60);
}

}  // namespace hepar
