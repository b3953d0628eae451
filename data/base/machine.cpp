// SPDX-License-Identifier: Apache-2.0
#include "data/base/machine.hpp"

#include <dlfcn.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace hepar {

namespace {

struct Pattern {
  const char* text;
  BlasFlavour flavour;
};
constexpr std::array<Pattern, 7> kPatterns{{{"openblas-pthread", BlasFlavour::openblas_pthread}, {"openblas-openmp", BlasFlavour::openblas_openmp},
                                            {"openblas-serial", BlasFlavour::openblas_serial}, {"/blas/", BlasFlavour::reference},
                                            {"refblas", BlasFlavour::reference}, {"openblas", BlasFlavour::openblas_pthread},
                                            {"libtorch", BlasFlavour::bundled}}};

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

std::string file_that_answers(const char* symbol) {
  void* address = ::dlsym(RTLD_DEFAULT, symbol);
  Dl_info info{};
  if (address == nullptr || ::dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  const std::filesystem::path real = std::filesystem::canonical(info.dli_fname, ignored);
  return ignored ? info.dli_fname : real.string();
}

const char* name_of(BlasFlavour flavour) {
  static constexpr std::array<const char*, 7> kNames{"OpenBLAS (pthread)", "OpenBLAS (OpenMP)", "OpenBLAS (serial)", "reference BLAS", "inside LibTorch", "other", "none"};
  return kNames.at(static_cast<std::size_t>(flavour));
}

const std::map<std::string, std::string>& pinned_variables() {
  // One intra-op thread and one instruction set: a slot's gradient must be the same on every machine of a cluster
  // (OPENBLAS_CORETYPE, ATEN and oneDNN levels each change the bits).
  static const std::map<std::string, std::string> kPins{
      {"OPENBLAS_NUM_THREADS", "1"}, {"OMP_NUM_THREADS", "1"}, {"MKL_NUM_THREADS", "1"}, {"OPENBLAS_CORETYPE", "Haswell"},
      {"ATEN_CPU_CAPABILITY", "avx2"}, {"DNNL_MAX_CPU_ISA", "AVX2"}, {"ONEDNN_MAX_CPU_ISA", "AVX2"}, {"MALLOC_ARENA_MAX", "2"}};
  return kPins;
}

Machine this_machine() {
  Machine machine;
  machine.cpu = cpu_model();
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) machine.cores = CPU_COUNT(&set);
  machine.memory_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) machine.host = host.data();
  machine.blas_path = file_that_answers("sgemm_");
  if (!machine.blas_path.empty()) {
    machine.blas = BlasFlavour::other;
    for (const Pattern& pattern : kPatterns) {
      if (machine.blas_path.find(pattern.text) == std::string::npos) continue;
      machine.blas = pattern.flavour;
      break;
    }
  }
  for (const auto& [name, value] : pinned_variables()) {
    const char* now = std::getenv(name.c_str());
    machine.pins[name] = now == nullptr ? "" : now;
  }
  return machine;
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace hepar
