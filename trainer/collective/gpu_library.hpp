// SPDX-License-Identifier: Apache-2.0
// CUDA's runtime and NCCL, as much of them as a collective calls, opened when they are there: one program for machines with
// and without a GPU, and neither is needed to build it. Names and numbers are those of the two C interfaces
// (docs.nvidia.com/cuda/cuda-runtime-api, docs.nvidia.com/deeplearning/nccl); tests/collective/gpu_interface_test.cpp holds
// them against the vendor's headers where those are installed. Internal to the room.
#pragma once

#include <climits>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace hepar::collective::gpu {

// Results of NCCL's calls; of CUDA's, 0 and kNotReady.
enum Result : int { kSuccess = 0, kRemoteError = 6, kInProgress = 7 };
inline constexpr int kNotReady = 600;
enum class Type : int { int64 = 4, float32 = 7, float64 = 8, bfloat16 = 9 };
enum class Combine : int { sum = 0 };
enum class Copy : int { to_device = 1, from_device = 2 };
inline constexpr unsigned kApartFromDefaultStream = 1, kNoTiming = 2;

struct Id {
  char bytes[128];
};
// The first members of ncclConfig_t, as version 2.14 had it: `size` and `version` tell a later library how far to read.
struct Config {
  std::size_t size = sizeof(Config);
  unsigned magic = 0xcafebeef, version = 21400;
  int blocking = INT_MIN;
};

struct Communicator;  // opaque, as are streams and events
using Stream = void*;
using Event = void*;

struct Library {
  int (*device_count)(int*) = nullptr;
  int (*set_device)(int) = nullptr;
  int (*pci_bus_id)(char*, int, int) = nullptr;
  int (*make_stream)(Stream*, unsigned) = nullptr;
  int (*end_stream)(Stream) = nullptr;
  int (*wait_for_event)(Stream, Event, unsigned) = nullptr;
  int (*make_event)(Event*, unsigned) = nullptr;
  int (*end_event)(Event) = nullptr;
  int (*record_event)(Event, Stream) = nullptr;
  int (*query_event)(Event) = nullptr;
  int (*allocate)(void**, std::size_t) = nullptr;
  int (*release)(void*) = nullptr;
  int (*copy)(void*, const void*, std::size_t, Copy) = nullptr;
  const char* (*cuda_text)(int) = nullptr;

  int (*version)(int*) = nullptr;
  int (*unique_id)(Id*) = nullptr;
  int (*init)(Communicator**, int ranks, Id, int rank, Config*) = nullptr;
  int (*async_error)(Communicator*, int*) = nullptr;
  int (*all_reduce)(const void*, void*, std::size_t, Type, Combine, Communicator*, Stream) = nullptr;
  int (*abort)(Communicator*) = nullptr;
  int (*finalize)(Communicator*) = nullptr;
  int (*destroy)(Communicator*) = nullptr;
  const char* (*nccl_text)(int) = nullptr;
};

struct Opened {
  std::shared_ptr<const Library> library;  // null: `why`
  std::string why, version;                // "NCCL 2.28.9"
};
// Libraries that the program already has (a CUDA LibTorch's) come first, then those that the dynamic linker finds, then the
// usual folders. They stay open: CUDA does not survive being closed.
[[nodiscard]] Opened open();

}  // namespace hepar::collective::gpu
