// SPDX-License-Identifier: Apache-2.0
#include "data/base/results.hpp"

#include <cerrno>
#include <cstdio>

namespace hepar {

Error results_error() { return disk_error("cannot write the results to standard output"); }

void finish_results() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw results_error();
}

}  // namespace hepar
