// SPDX-License-Identifier: Apache-2.0
// A stand-in for libcudart and libnccl on host memory, for the control flow of trainer/collective/nccl.cpp: devices, streams and
// events are queues of this process, a sum goes through a POSIX shared segment named by the communicator's id, and nothing
// blocks the caller. Faults are planted by GPU_DOUBLE_FAULT=WHAT[:N] in the process that shall have them:
//   no_device  one_device            the host has none, or one that all ranks share
//   init_error  init_hang            joining the ranks fails here, or never ends
//   error:N  remote:N  hang:N        the N-th sum fails here, says that another rank failed, or never ends
//   launch_error:N                   the N-th sum is refused at once
//   slow                             every call is in progress for a while first
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace {

constexpr int kDone = 0, kCudaNoDevice = 100, kCudaNotReady = 600;
constexpr int kCudaErrorInNccl = 1, kSystemError = 2, kRemote = 6, kUnderWay = 7;
constexpr int kMostRanks = 16;
constexpr std::size_t kChunk = 1 << 16;  // bytes a rank lays down at a time

// What the planted fault is, and the sum it waits for (0: none is planted).
struct Fault {
  std::string what;
  int at = 0;
};
Fault fault() {
  const char* text = std::getenv("GPU_DOUBLE_FAULT");
  if (text == nullptr) return {};
  const std::string all = text;
  const std::size_t colon = all.find(':');
  return {all.substr(0, colon), colon == std::string::npos ? 1 : std::atoi(all.c_str() + colon + 1)};
}
bool planted(const char* what, int sum = 1) {
  const Fault one = fault();
  return one.what == what && one.at == sum;
}

std::atomic<int> living{0}, aborted{0};
int current_device = 0;

void nap() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

// Work in order on a thread of its own.
class Queue {
 public:
  ~Queue() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t add(std::function<void()> work) {
    const std::lock_guard guard(lock_);
    waiting_.push_back(std::move(work));
    if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
    return ++added_;
  }
  [[nodiscard]] std::uint64_t added() const { return added_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  void serve() {
    while (!stop_) {
      std::function<void()> next;
      {
        const std::lock_guard guard(lock_);
        if (!waiting_.empty()) next = std::move(waiting_.front());
      }
      if (!next) {
        nap();
        continue;
      }
      next();
      const std::lock_guard guard(lock_);
      waiting_.pop_front();
      ++done_;
    }
  }
  std::mutex lock_;
  std::deque<std::function<void()>> waiting_;
  std::atomic<std::uint64_t> added_{0}, done_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Marker {  // an event
  Queue* queue = nullptr;
  std::uint64_t behind = 0;
};

// What the ranks of a communicator share.
struct Shared {
  std::atomic<int> arrived, round;
  std::atomic<bool> broken;
  std::array<std::array<std::byte, kChunk>, kMostRanks> laid_down;
};

}  // namespace

struct ncclComm {
  Shared* shared = nullptr;
  std::string name;
  int ranks = 1, rank = 0;
  std::atomic<int> state{kUnderWay};
  std::atomic<bool> aborting{false};
  std::atomic<int> sums{0};
  std::chrono::steady_clock::time_point slow_until;
  std::unique_ptr<Queue> worker = std::make_unique<Queue>();

  // False: the communicator was given up meanwhile, here or on another rank.
  bool meet() const {
    const int round = shared->round;
    if (++shared->arrived == ranks) {
      shared->arrived = 0;
      ++shared->round;
      return true;
    }
    while (shared->round == round) {
      if (aborting || shared->broken) return false;
      nap();
    }
    return true;
  }
  void hang() const {
    while (!aborting) nap();
  }
  template <class T>
  void add_up(T* values, std::size_t count) {
    constexpr std::size_t kStep = kChunk / sizeof(T);
    for (std::size_t at = 0; at < count || at == 0; at += kStep) {
      const std::size_t now = std::min(kStep, count - at);
      if (now > 0) std::memcpy(shared->laid_down[static_cast<std::size_t>(rank)].data(), values + at, now * sizeof(T));
      if (!meet()) return give_up();
      for (std::size_t i = 0; i < now; ++i) {
        T sum{};
        for (int r = 0; r < ranks; ++r) sum += reinterpret_cast<const T*>(shared->laid_down[static_cast<std::size_t>(r)].data())[i];
        values[at + i] = sum;
      }
      if (!meet()) return give_up();
    }
  }
  void give_up() {
    if (!aborting) state = kRemote;
    hang();
  }
  void sum(void* values, std::size_t count, int type, int number) {
    if (planted("hang", number)) return hang();
    for (const auto& [what, code] : {std::pair("error", kCudaErrorInNccl), std::pair("remote", kRemote)})
      if (planted(what, number)) {
        state = code;
        return hang();
      }
    if (type == 4) add_up(static_cast<std::int64_t*>(values), count);
    if (type == 7) add_up(static_cast<float*>(values), count);
    if (type == 8) add_up(static_cast<double*>(values), count);
  }
};

extern "C" {

// For the tests: how many communicators there are, and how many calls of abort there were.
int gpu_double_living() { return living; }
int gpu_double_aborted() { return aborted; }

int cudaGetDeviceCount(int* count) {
  *count = planted("one_device") ? 1 : kMostRanks;
  return planted("no_device") ? kCudaNoDevice : kDone;
}
int cudaSetDevice(int device) {
  current_device = device;
  return kDone;
}
int cudaDeviceGetPCIBusId(char* text, int length, int device) {
  std::snprintf(text, static_cast<std::size_t>(length), "0000:%02x:00.0", device);
  return kDone;
}
int cudaStreamCreateWithFlags(void** stream, unsigned) {
  *stream = new Queue;
  return kDone;
}
int cudaStreamDestroy(void* stream) {
  delete static_cast<Queue*>(stream);
  return kDone;
}
int cudaStreamWaitEvent(void*, void*, unsigned) { return kDone; }  // the default stream is the caller's thread: it is done
int cudaEventCreateWithFlags(void** event, unsigned) {
  *event = new Marker;
  return kDone;
}
int cudaEventDestroy(void* event) {
  delete static_cast<Marker*>(event);
  return kDone;
}
int cudaEventRecord(void* event, void* stream) {
  auto* queue = static_cast<Queue*>(stream);
  *static_cast<Marker*>(event) = {queue, queue == nullptr ? 0 : queue->added()};
  return kDone;
}
int cudaEventQuery(void* event) {
  const auto* marker = static_cast<const Marker*>(event);
  return marker->queue == nullptr || marker->queue->done() >= marker->behind ? kDone : kCudaNotReady;
}
int cudaMalloc(void** at, std::size_t bytes) {
  *at = std::malloc(bytes == 0 ? 1 : bytes);
  return kDone;
}
int cudaFree(void* at) {
  std::free(at);
  return kDone;
}
int cudaMemcpy(void* to, const void* from, std::size_t bytes, int) {
  std::memcpy(to, from, bytes);
  return kDone;
}
const char* cudaGetErrorString(int code) { return code == kCudaNoDevice ? "no CUDA-capable device is detected" : "an error of the double"; }

int ncclGetVersion(int* version) {
  *version = 22809;
  return kDone;
}
struct ncclUniqueId {
  char internal[128];
};
int ncclGetUniqueId(ncclUniqueId* id) {
  static std::atomic<int> made{0};
  std::snprintf(id->internal, sizeof id->internal, "/hepar-gpu-double-%d-%d", static_cast<int>(::getpid()), ++made);
  const int file = ::shm_open(id->internal, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(Shared)) != 0) return kSystemError;
  ::close(file);
  return kDone;
}
struct ncclConfig {
  std::size_t size;
  unsigned magic, version;
  int blocking;
};
int ncclCommInitRankConfig(ncclComm** made, int ranks, ncclUniqueId id, int rank, const ncclConfig* config) {
  if (config == nullptr || config->magic != 0xcafebeef || config->blocking != 0 || ranks > kMostRanks) return 4;
  auto* comm = new ncclComm;
  ++living;
  *made = comm;
  comm->name = id.internal, comm->ranks = ranks, comm->rank = rank;
  const int file = ::shm_open(id.internal, O_RDWR, 0600);
  if (file < 0) return kRemote;  // a rank that failed in joining took it away
  comm->shared = static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  ::close(file);
  comm->worker->add([comm] {
    if (planted("init_hang")) return comm->hang();
    if (planted("init_error")) {
      comm->state = kSystemError;
      return comm->hang();
    }
    if (!comm->meet()) return comm->give_up();
    if (comm->rank == 0) ::shm_unlink(comm->name.c_str());
    comm->state = kDone;
  });
  return kUnderWay;
}
int ncclCommGetAsyncError(ncclComm* comm, int* state) {
  *state = comm->state;
  if (comm->state == kDone && std::chrono::steady_clock::now() < comm->slow_until) *state = kUnderWay;
  return kDone;
}
int ncclAllReduce(const void* from, void* to, std::size_t count, int type, int, ncclComm* comm, void* stream) {
  const int number = ++comm->sums;
  if (from != to || comm->state != kDone) return 5;
  if (planted("launch_error", number)) return kCudaErrorInNccl;
  static_cast<Queue*>(stream)->add([=] { comm->sum(to, count, type, number); });
  if (!planted("slow")) return kDone;
  comm->slow_until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  return kUnderWay;
}
int ncclCommAbort(ncclComm* comm) {
  ++aborted;
  --living;
  comm->aborting = true;
  if (comm->shared != nullptr) comm->shared->broken = true;
  ::shm_unlink(comm->name.c_str());
  comm->worker.reset();
  return kDone;  // the object stays for the work that is on a stream
}
int ncclCommFinalize(ncclComm* comm) {
  comm->slow_until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  return kUnderWay;
}
int ncclCommDestroy(ncclComm* comm) {
  --living;
  ::munmap(comm->shared, sizeof(Shared));
  delete comm;
  return kDone;
}
const char* ncclGetErrorString(int code) {
  constexpr std::array<const char*, 8> kTexts{"no error",
                                              "unhandled cuda error",
                                              "unhandled system error",
                                              "internal error",
                                              "invalid argument",
                                              "invalid usage",
                                              "remote process exited or there was a network error",
                                              "in progress"};
  return kTexts[static_cast<std::size_t>(code)];
}

}  // extern "C"
