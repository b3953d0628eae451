// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"
#include "tools/hepar/bench_figures.hpp"

namespace hepar::program {

Figures bench_ingest(const BenchRequest&) {
  throw usage_error("this build reads no raw files (HEPAR_BUILD_INGEST=OFF)", {}, "use a build with the ingest half");
}

}  // namespace hepar::program
