// SPDX-License-Identifier: Apache-2.0
// What decides the bits of a computation on this machine: processor, BLAS, pinned instruction sets.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hepar {

enum class BlasFlavour { openblas_pthread, openblas_openmp, openblas_serial, reference, bundled, other, none };
[[nodiscard]] const char* name_of(BlasFlavour flavour);

struct Machine {
  std::string cpu;                          // model name
  int cores = 1;                            // usable by this process (affinity)
  std::int64_t memory_bytes = 0;
  std::string host;
  std::string blas_path;                    // the file that answers sgemm, links resolved
  BlasFlavour blas = BlasFlavour::none;
  std::map<std::string, std::string> pins;  // the pinned variables as they stand
};

// The variables that `main` sets before LibTorch and MPI start, and their values.
[[nodiscard]] const std::map<std::string, std::string>& pinned_variables();
[[nodiscard]] Machine this_machine();
// The file (links resolved) of the loaded library that answers a C symbol; "" when none does.
[[nodiscard]] std::string file_that_answers(const char* symbol);
[[nodiscard]] std::int64_t peak_memory_bytes();  // of this process, from getrusage

}  // namespace hepar
