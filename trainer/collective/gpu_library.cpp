// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/gpu_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

namespace hepar::collective::gpu {

namespace {

struct Wanted {
  const char* what;
  std::vector<const char*> names;
};

// The newest first; a wheel of PyTorch brings its own, which LibTorch has loaded before anybody asks here.
const std::array<Wanted, 2> kLibraries{{{"the CUDA runtime", {"libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0"}}, {"NCCL", {"libnccl.so.2"}}}};
constexpr std::array<const char*, 4> kFolders{"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/", "/usr/local/lib/"};

void* opened(const Wanted& wanted) {
  for (const char* name : wanted.names)
    if (void* there = ::dlopen(name, RTLD_NOW | RTLD_NOLOAD)) return there;
  for (const char* folder : kFolders)
    for (const char* name : wanted.names)
      if (void* found = ::dlopen((std::string(folder) + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return found;
  return nullptr;
}

// Takes functions out of a library until one is missing.
class Functions {
 public:
  explicit Functions(void* library) : library_(library) {}
  template <class Function>
  Functions& operator()(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(::dlsym(library_, name));
    if (function == nullptr && missing_.empty()) missing_ = name;
    return *this;
  }
  [[nodiscard]] const std::string& missing() const { return missing_; }

 private:
  void* library_;
  std::string missing_;
};

std::string take_cuda(Library& to, void* from) {
  return Functions(from)(to.device_count, "cudaGetDeviceCount")(to.set_device, "cudaSetDevice")(to.pci_bus_id, "cudaDeviceGetPCIBusId")(
             to.make_stream, "cudaStreamCreateWithFlags")(to.end_stream, "cudaStreamDestroy")(to.wait_for_event, "cudaStreamWaitEvent")(
             to.make_event, "cudaEventCreateWithFlags")(to.end_event, "cudaEventDestroy")(to.record_event, "cudaEventRecord")(to.query_event, "cudaEventQuery")(
             to.allocate, "cudaMalloc")(to.release, "cudaFree")(to.copy, "cudaMemcpy")(to.cuda_text, "cudaGetErrorString")
      .missing();
}

std::string take_nccl(Library& to, void* from) {
  return Functions(from)(to.version, "ncclGetVersion")(to.unique_id, "ncclGetUniqueId")(to.init, "ncclCommInitRankConfig")(
             to.async_error, "ncclCommGetAsyncError")(to.all_reduce, "ncclAllReduce")(to.abort, "ncclCommAbort")(to.finalize, "ncclCommFinalize")(
             to.destroy, "ncclCommDestroy")(to.nccl_text, "ncclGetErrorString")
      .missing();
}

}  // namespace

Opened open() {
  std::array<void*, 2> handles{};
  for (std::size_t i = 0; i < handles.size(); ++i) {
    handles[i] = opened(kLibraries[i]);
    if (handles[i] == nullptr) return {nullptr, fmt::format("{} is not there ({})", kLibraries[i].what, kLibraries[i].names.front()), {}};
  }
  auto library = std::make_shared<Library>();
  for (const std::string& missing : {take_cuda(*library, handles[0]), take_nccl(*library, handles[1])})
    if (!missing.empty()) return {nullptr, fmt::format("a library is too old: it has no {}", missing), {}};
  int number = 0;
  if (library->version(&number) != kSuccess || number < 21400) return {nullptr, fmt::format("NCCL {} is older than 2.14", number), {}};
  return {library, {}, fmt::format("NCCL {}.{}.{}", number / 10000, number / 100 % 100, number % 100)};
}

}  // namespace hepar::collective::gpu
