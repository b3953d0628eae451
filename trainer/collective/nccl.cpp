// SPDX-License-Identifier: Apache-2.0
// Sums on GPUs by NCCL, on a communicator that never blocks: every call is polled against our own deadline, NCCL's errors and
// the other ranks' alarm. What lies in host memory goes over MPI.
#include "data/base/machine.hpp"
#include "sharding/mpi/watch.hpp"
#include "trainer/collective/alarm.hpp"
#include "trainer/collective/gpu_library.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <thread>

namespace hepar::collective {

namespace {

using NcclClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{2};   // between looks at NCCL's errors and the alarm
constexpr std::chrono::milliseconds kBusy{50};  // of polling before a core is left to others
constexpr std::chrono::microseconds kPause{100};
constexpr std::chrono::seconds kFarewell{10};

// This rank's device, chosen and found to be its own.
struct Device {
  std::shared_ptr<const gpu::Library> library;
  int number = 0;
  std::string place;  // "GPU 0000:17:00.0 on node3"
};

Error cuda_error(const gpu::Library& library, int result, const std::string& call, const std::string& where) {
  return usage_error(fmt::format("CUDA: {} in {}", library.cuda_text(result), call), {where},
                     "check nvidia-smi and CUDA_VISIBLE_DEVICES, or set resources.collective=mpi");
}

Device open_device(int node_rank) {
  const gpu::Opened opened = gpu::open();
  const std::string host = this_machine().host;
  if (opened.library == nullptr)
    throw usage_error("NCCL cannot be used: " + opened.why, {host}, "set resources.collective=mpi, or put libnccl.so.2 and libcudart on LD_LIBRARY_PATH");
  const gpu::Library& library = *opened.library;
  int devices = 0;
  if (const int result = library.device_count(&devices); result != gpu::kSuccess) throw cuda_error(library, result, "counting devices", host);
  if (devices == 0) throw usage_error("NCCL cannot be used: this host has no GPU", {host}, "set resources.collective=mpi");
  const int device = node_rank % devices;
  if (const int result = library.set_device(device); result != gpu::kSuccess)
    throw cuda_error(library, result, fmt::format("choosing device {}", device), host);
  std::array<char, 32> bus{};
  if (const int result = library.pci_bus_id(bus.data(), static_cast<int>(bus.size()), device); result != gpu::kSuccess)
    throw cuda_error(library, result, fmt::format("asking for the bus of device {}", device), host);
  return {opened.library, device, fmt::format("GPU {} on {}", bus.data(), host)};
}

// Two ranks of one communicator on one device hang NCCL, or are refused by it late and without a name.
void refuse_shared_devices(const std::vector<std::string>& places) {
  for (std::size_t a = 0; a < places.size(); ++a)
    for (std::size_t b = a + 1; b < places.size(); ++b)
      if (places[a] == places[b])
        throw usage_error(fmt::format("ranks {} and {} share {}", a, b, places[a]), {},
                          "start one rank a GPU (srun --ntasks-per-node=GPUS --gpus-per-task=1, mpirun -n GPUS), or set resources.collective=mpi");
}

class Nccl : public Collective {
 public:
  explicit Nccl(const mpi::Communicator& communicator)
      : Collective(communicator.standing()),
        host_(communicator.size() == 1 ? make_self(communicator.whole(), communicator.standing()) : make_mpi(communicator)),
        alarm_(communicator),
        deadline_(communicator.deadline()) {
    std::vector<std::string> places;
    together(*host_, [&] {
      Device device = open_device(communicator.node_rank());
      library_ = std::move(device.library);
      device_ = device.number;
      where_ = fmt::format("rank {} of {}, {}", rank(), size(), device.place);
      places = {device.place};
    });
    places = communicator.all_gather_texts(places.front());
    together(*host_, [&] { refuse_shared_devices(places); });
    connect();
  }
  Nccl(const Nccl&) = delete;
  ~Nccl() override {
    if (communicator_ != nullptr) say_farewell();
    if (stream_ != nullptr) library_->end_stream(stream_);
  }

  std::string_view name() const override { return "nccl"; }
  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  bool whole() const override { return host_->whole(); }
  bool overlaps() const override { return true; }

  void all_reduce_sum(Values values) override { values.place == Place::host ? host_->all_reduce_sum(values) : start_sum(values).wait(); }
  Pending start_sum(Values values) override { return values.place == Place::host ? host_->start_sum(values) : Pending(std::make_unique<Sum>(*this, values)); }
  void all_reduce_max(std::span<std::int64_t> values) override { host_->all_reduce_max(values); }
  void broadcast(std::span<std::byte> bytes, int root) override { host_->broadcast(bytes, root); }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override { return host_->gather(bytes, root); }
  void barrier() override { host_->barrier(); }

 private:
  // A sum under way on the stream: an event stands behind it.
  class Sum : public Pending::Work {
   public:
    Sum(Nccl& group, const Values& values) : group_(group), what_(fmt::format("sum {} ({} elements)", ++group.sums_, values.count)) {
      group_.after_what_was_computed();
      group_.launch(values, what_);
      group_.check_cuda(group_.library_->make_event(&event_, gpu::kNoTiming), "making an event");
      group_.check_cuda(group_.library_->record_event(event_, group_.stream_), "recording an event");
    }
    ~Sum() override {
      if (!done_) group_.abort();  // the kernel lets go of the values
      if (event_ != nullptr) group_.library_->end_event(event_);
    }
    bool finished() override {
      if (done_) return true;
      const int result = group_.library_->query_event(event_);
      if (result != gpu::kSuccess && result != gpu::kNotReady) group_.fail(fmt::format("{} in {}", group_.library_->cuda_text(result), what_));
      done_ = result == gpu::kSuccess;
      return done_;
    }
    void wait() override {
      group_.poll([&] { return finished(); }, what_);
    }

   private:
    Nccl& group_;
    std::string what_;
    gpu::Event event_ = nullptr;
    bool done_ = false;
  };

  void connect() {
    gpu::Id id{};
    int made = gpu::kSuccess;
    if (rank() == 0) made = library_->unique_id(&id);
    together(*host_, [&] {
      if (made != gpu::kSuccess) throw nccl_error(made, "making an id");
      if (const int result = library_->make_stream(&stream_, gpu::kApartFromDefaultStream); result != gpu::kSuccess)
        throw cuda_error(*library_, result, "making a stream", where_);
    });
    host_->broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
    gpu::Config config;
    config.blocking = 0;
    const int result = library_->init(&communicator_, size(), id, rank(), &config);
    if (result != gpu::kSuccess && result != gpu::kInProgress) fail(fmt::format("{} in joining the ranks", library_->nccl_text(result)), result == gpu::kRemoteError);
    poll([&] { return settled("joining the ranks"); }, "joining the ranks");
  }

  // The stream's next work waits for what LibTorch's (the default) stream has been given so far. From any thread.
  void after_what_was_computed() {
    check_cuda(library_->set_device(device_), "choosing the device");
    gpu::Event computed = nullptr;
    check_cuda(library_->make_event(&computed, gpu::kNoTiming), "making an event");
    check_cuda(library_->record_event(computed, nullptr), "recording an event");
    check_cuda(library_->wait_for_event(stream_, computed, 0), "waiting for an event");
    check_cuda(library_->end_event(computed), "ending an event");  // CUDA keeps it until it has happened
  }

  void launch(const Values& values, const std::string& what) {
    static constexpr std::array<gpu::Type, 4> kTypes{gpu::Type::int64, gpu::Type::float32, gpu::Type::float64, gpu::Type::bfloat16};  // as Kind
    if (communicator_ == nullptr) throw Error(ExitCode::rank_failed, "NCCL was given up before " + what, where_);
    const int result =
        library_->all_reduce(values.data, values.data, values.count, kTypes[static_cast<std::size_t>(values.kind)], gpu::Combine::sum, communicator_, stream_);
    if (result != gpu::kSuccess && result != gpu::kInProgress) fail(fmt::format("{} in {}", library_->nccl_text(result), what));
    poll([&] { return settled(what); }, what);  // on its way to the stream
  }

  // NCCL has done what it was last asked for, as far as the host is concerned. Leaves the group on an error.
  bool settled(const std::string& what) {
    if (communicator_ == nullptr) throw Error(ExitCode::rank_failed, "NCCL was given up before the end of " + what, where_);
    int state = gpu::kSuccess;
    const int result = library_->async_error(communicator_, &state);
    if (result != gpu::kSuccess) state = result;
    if (state != gpu::kSuccess && state != gpu::kInProgress) fail(fmt::format("{} in {}", library_->nccl_text(state), what), state == gpu::kRemoteError);
    return state == gpu::kSuccess;
  }

  void poll(const std::function<bool()>& done, const std::string& what) {
    const mpi::Activity::Scope waiting = watch().activity().wait_for_ranks("a sum on GPUs");
    const auto start = NcclClock::now();
    auto looked = start;
    while (!done()) {
      const auto now = NcclClock::now();
      if (now - looked > kLook) {
        looked = now;
        settled(what);
        if (alarm_.heard()) leave(std::nullopt);
        if (std::chrono::duration<double>(now - start).count() > deadline_) fail(fmt::format("no answer in {} for {:.0f} s", what, deadline_));
      }
      now - start < kBusy ? std::this_thread::yield() : std::this_thread::sleep_for(kPause);
    }
  }

  [[nodiscard]] Error nccl_error(int result, const std::string& what) const {
    return {ExitCode::rank_failed, fmt::format("NCCL: {} in {}", library_->nccl_text(result), what), where_,
            "run the same command again to continue; NCCL_DEBUG=INFO says more"};
  }
  void check_cuda(int result, const char* call) {
    if (result != gpu::kSuccess) fail(fmt::format("{} in {}", library_->cuda_text(result), call));
  }
  // `remote`: NCCL says that another rank failed, who has the better error and will tell.
  [[noreturn]] void fail(const std::string& what, bool remote = false) {
    if (remote) wait_for_alarm();
    if (remote && alarm_.heard()) leave(std::nullopt);
    leave(Error(ExitCode::rank_failed, "NCCL: " + what, where_, "run the same command again to continue; NCCL_DEBUG=INFO says more"));
  }
  void wait_for_alarm() const {
    constexpr std::chrono::seconds kSoon{1};
    for (const auto start = NcclClock::now(); !alarm_.heard() && NcclClock::now() - start < kSoon;) std::this_thread::sleep_for(kLook);
  }
  [[noreturn]] void leave(const std::optional<Error>& mine) {
    abort();
    alarm_.leave(mine);
  }
  void abort() {
    if (communicator_ != nullptr) library_->abort(communicator_);
    communicator_ = nullptr;
  }

  // All sums are done: what the farewell says is nobody's loss, and it rings no alarm.
  void say_farewell() {
    int state = gpu::kInProgress;
    if (std::uncaught_exceptions() > uncaught_) return abort();  // the others may never come
    state = library_->finalize(communicator_);
    for (const auto start = NcclClock::now(); state == gpu::kInProgress && NcclClock::now() - start < kFarewell;) {
      std::this_thread::sleep_for(kPause);
      if (library_->async_error(communicator_, &state) != gpu::kSuccess) state = gpu::kRemoteError;
    }
    state == gpu::kSuccess ? library_->destroy(communicator_) : library_->abort(communicator_);
  }

  std::unique_ptr<Collective> host_;
  Alarm alarm_;
  double deadline_;
  int uncaught_ = std::uncaught_exceptions();
  std::shared_ptr<const gpu::Library> library_;
  int device_ = 0;
  std::string where_;
  gpu::Communicator* communicator_ = nullptr;
  gpu::Stream stream_ = nullptr;
  std::int64_t sums_ = 0;
};

}  // namespace

std::unique_ptr<Collective> make_nccl(const mpi::Communicator& communicator) { return std::make_unique<Nccl>(communicator); }

GpuFound find_gpus() {
  const gpu::Opened opened = gpu::open();
  if (opened.library == nullptr) return {false, 0, opened.why};
  int devices = 0;
  if (const int result = opened.library->device_count(&devices); result != gpu::kSuccess)
    return {false, 0, fmt::format("{}, CUDA: {}", opened.version, opened.library->cuda_text(result))};
  return {devices > 0, devices, fmt::format("{}, {} device{}", opened.version, devices, devices == 1 ? "" : "s")};
}

}  // namespace hepar::collective
