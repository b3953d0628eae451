// SPDX-License-Identifier: Apache-2.0
// Whether sums over ranks are begun while backward goes on. It hides their wait and takes a core from computing: what is
// more depends on the machine, so `auto` tries both in the first steps. Either way gives the same bits.
#pragma once

#include "trainer/collective/collective.hpp"

#include <string>

namespace hepar::engine {

class OverlapChoice {
 public:
  OverlapChoice(const std::string& wish, const collective::Collective& group);  // on | off | auto

  [[nodiscard]] bool early() const;                          // in the step that comes
  void took(double seconds, collective::Collective& group);  // that step; all ranks choose alike. Collective while both are tried
  [[nodiscard]] bool settled() const { return tried_ >= kTried; }

 private:
  static constexpr int kWarmUp = 2, kTried = kWarmUp + 8;  // steps: first those that do not count, then both in turn

  bool chosen_ = false;
  int tried_ = kTried;
  double quickest_[2] = {1e18, 1e18};                        // without and with; noise only adds to a time
};

}  // namespace hepar::engine
