// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/time_limit.hpp"

#include "data/base/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace hepar::engine {

double seconds_to_limit() {
  const char* end = std::getenv("SLURM_JOB_END_TIME");
  const auto at = end == nullptr ? std::nullopt : parse_integer(end);
  if (!at) return 0;
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return std::max(0.0, static_cast<double>(*at) - now);
}

}  // namespace hepar::engine
