// SPDX-License-Identifier: Apache-2.0
// A number with its uncertainty, or the reason why there is none.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace hepar::statistics {

struct Estimate {
  double value = std::nan(""), se = std::nan(""), low = std::nan(""), high = std::nan("");
  std::int64_t n = 0, events = 0;
  std::string method;            // "Harrell C, infinitesimal jackknife"
  std::string not_estimable;     // why; empty when there is a value
  std::int64_t k = 0;            // folds that it pools; 0: no pool
  double normal_low = std::nan(""), normal_high = std::nan("");  // of a pool: its normal interval, which may be the wider one

  [[nodiscard]] bool estimable() const { return not_estimable.empty(); }
  static Estimate none(std::string why) { Estimate e; e.not_estimable = std::move(why); return e; }
};

}  // namespace hepar::statistics
