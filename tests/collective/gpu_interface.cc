// SPDX-License-Identifier: Apache-2.0
// What trainer/collective declares of CUDA's runtime and NCCL is what their headers declare: checked by the compiler, and by
// asking the real libraries. Built where the headers are.
#include "trainer/collective/collective.hpp"
#include "trainer/collective/gpu_library.hpp"

#include <gtest/gtest.h>
#include <nccl.h>

#include <cstring>
#include <type_traits>

namespace hepar::collective::gpu {
namespace {

static_assert(kSuccess == static_cast<int>(ncclSuccess) && kRemoteError == static_cast<int>(ncclRemoteError) &&
              kInProgress == static_cast<int>(ncclInProgress));
static_assert(kSuccess == static_cast<int>(cudaSuccess) && kNotReady == static_cast<int>(cudaErrorNotReady));
static_assert(static_cast<int>(Type::int64) == ncclInt64 && static_cast<int>(Type::float32) == ncclFloat32 && static_cast<int>(Type::float64) == ncclFloat64 &&
              static_cast<int>(Type::bfloat16) == ncclBfloat16);
static_assert(static_cast<int>(Combine::sum) == ncclSum);
static_assert(static_cast<int>(Copy::to_device) == cudaMemcpyHostToDevice && static_cast<int>(Copy::from_device) == cudaMemcpyDeviceToHost);
static_assert(kApartFromDefaultStream == cudaStreamNonBlocking && kNoTiming == cudaEventDisableTiming);
static_assert(sizeof(Id) == sizeof(ncclUniqueId) && sizeof(Id) == NCCL_UNIQUE_ID_BYTES);
static_assert(offsetof(Config, size) == offsetof(ncclConfig_t, size) && offsetof(Config, magic) == offsetof(ncclConfig_t, magic) &&
              offsetof(Config, version) == offsetof(ncclConfig_t, version) && offsetof(Config, blocking) == offsetof(ncclConfig_t, blocking));

// The same parameters in the same places: enumerations, handles and structures pass as what stands for them here.
template <class A, class B>
inline constexpr bool kPassAlike = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>&& std::is_class_v<A> == std::is_class_v<B>;
template <class Ours, class Theirs>
struct Alike : std::false_type {};
template <class R1, class... A1, class R2, class... A2>
requires(sizeof...(A1) == sizeof...(A2)) struct Alike<R1 (*)(A1...), R2 (*)(A2...)> : std::bool_constant<kPassAlike<R1, R2> && (kPassAlike<A1, A2> && ...)> {
};
template <auto Ours, auto Theirs>
inline constexpr bool kAlike = Alike<std::remove_cvref_t<decltype(std::declval<Library>().*Ours)>, decltype(Theirs)>::value;

static_assert(kAlike<&Library::device_count, &cudaGetDeviceCount> && kAlike<&Library::set_device, &cudaSetDevice> &&
              kAlike<&Library::pci_bus_id, &cudaDeviceGetPCIBusId>);
static_assert(kAlike<&Library::make_stream, &cudaStreamCreateWithFlags> && kAlike<&Library::end_stream, &cudaStreamDestroy>);
static_assert(kAlike<&Library::end_event, &cudaEventDestroy> &&
              kAlike<&Library::record_event, static_cast<cudaError_t (*)(cudaEvent_t, cudaStream_t)>(&cudaEventRecord)> &&
              kAlike<&Library::query_event, &cudaEventQuery>);
static_assert(kAlike<&Library::copy, &cudaMemcpy> && kAlike<&Library::release, &cudaFree> && kAlike<&Library::cuda_text, &cudaGetErrorString>);
static_assert(kAlike<&Library::version, &ncclGetVersion> && kAlike<&Library::unique_id, &ncclGetUniqueId> && kAlike<&Library::init, &ncclCommInitRankConfig>);
static_assert(kAlike<&Library::async_error, &ncclCommGetAsyncError> && kAlike<&Library::all_reduce, &ncclAllReduce> && kAlike<&Library::abort, &ncclCommAbort>);
static_assert(kAlike<&Library::finalize, &ncclCommFinalize> && kAlike<&Library::destroy, &ncclCommDestroy> && kAlike<&Library::nccl_text, &ncclGetErrorString>);

TEST(GpuInterface, TheDefaultConfigurationIsTheirs) {
  const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
  EXPECT_EQ(Config().magic, theirs.magic);
  EXPECT_EQ(Config().blocking, theirs.blocking);
  EXPECT_LE(Config().version, theirs.version);
}

TEST(GpuInterface, TheRealLibrariesAnswer) {
  const Opened opened = open();
  ASSERT_NE(opened.library, nullptr) << opened.why;
  int version = 0;
  EXPECT_EQ(ncclGetVersion(&version), ncclSuccess);
  EXPECT_NE(opened.version.find(std::to_string(version / 10000)), std::string::npos);
  EXPECT_STREQ(opened.library->nccl_text(kRemoteError), ncclGetErrorString(ncclRemoteError));
  Id id{}, other{};  // needs no device
  EXPECT_EQ(opened.library->unique_id(&id), kSuccess);
  EXPECT_EQ(opened.library->unique_id(&other), kSuccess);
  EXPECT_NE(std::memcmp(&id, &other, sizeof id), 0);
}

// Without a device the backend is refused with CUDA's own words, not with a crash.
TEST(GpuInterface, AHostWithoutADeviceIsToldSo) {
  const GpuFound found = find_gpus();
  if (found.usable) GTEST_SKIP() << found.text;
  EXPECT_NE(found.text.find("NCCL "), std::string::npos) << found.text;
  EXPECT_EQ(found.devices, 0);
}

}  // namespace
}  // namespace hepar::collective::gpu
