// SPDX-License-Identifier: Apache-2.0
// The NCCL backend: over the double (gpu_double.cc) with planted faults, and, where it is not on the path, over the real NCCL.
#include "tests/collective/contract.hpp"
#include "tests/mpi/ranks.hpp"
#include "trainer/collective/gpu_library.hpp"

#include <dlfcn.h>

#include <chrono>
#include <cstdlib>

namespace hepar::collective {
namespace {

// The values of the story, moved to the device for each sum and back.
class OnDevice : public Collective {
 public:
  explicit OnDevice(std::unique_ptr<Collective> group) : Collective(group->standing()), group_(std::move(group)), library_(gpu::open().library) {}
  std::string_view name() const override { return group_->name(); }
  int rank() const override { return group_->rank(); }
  int size() const override { return group_->size(); }
  bool whole() const override { return group_->whole(); }
  bool overlaps() const override { return group_->overlaps(); }
  void all_reduce_sum(Values values) override {
    Memory there(*library_, values);
    group_->all_reduce_sum(there.values());
    there.take_back();
  }
  Pending start_sum(Values values) override { return Pending(std::make_unique<Moved>(*group_, *library_, values)); }
  void all_reduce_max(std::span<std::int64_t> values) override { group_->all_reduce_max(values); }
  void broadcast(std::span<std::byte> bytes, int root) override { group_->broadcast(bytes, root); }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override { return group_->gather(bytes, root); }
  void barrier() override { group_->barrier(); }

 private:
  class Memory {
   public:
    Memory(const gpu::Library& library, const Values& host) : library_(library), host_(host) {
      EXPECT_EQ(library_.allocate(&device_, host.bytes() + 8), 0);
      if (host.bytes() > 0) {
        EXPECT_EQ(library_.copy(device_, host.data, host.bytes(), gpu::Copy::to_device), 0);
      }
    }
    Memory(const Memory&) = delete;
    ~Memory() { library_.release(device_); }
    Values values() const { return {device_, host_.count, host_.kind, Place::device}; }
    void take_back() const {
      if (host_.bytes() > 0) {
        EXPECT_EQ(library_.copy(host_.data, device_, host_.bytes(), gpu::Copy::from_device), 0);
      }
    }

   private:
    const gpu::Library& library_;
    Values host_;
    void* device_ = nullptr;
  };
  class Moved : public Pending::Work {
   public:
    Moved(Collective& group, const gpu::Library& library, Values values) : there_(library, values), pending_(group.start_sum(there_.values())) {}
    bool finished() override { return pending_.finished(); }
    void wait() override {
      pending_.wait();
      there_.take_back();
    }

   private:
    Memory there_;
    Pending pending_;
  };

  std::unique_ptr<Collective> group_;
  std::shared_ptr<const gpu::Library> library_;
};

// Of the double, when it is what was opened.
int count_of(const char* symbol) {
  void* library = ::dlopen("libnccl.so.2", RTLD_NOW | RTLD_NOLOAD);
  const auto function = library == nullptr ? nullptr : reinterpret_cast<int (*)()>(::dlsym(library, symbol));
  return function == nullptr ? -1 : function();
}
bool over_the_double() { return gpu::open().library != nullptr && count_of("gpu_double_living") >= 0; }

class NcclTest : public testing::Test {
 protected:
  void SetUp() override {
    const bool there = find_gpus().devices >= mpi::ranks_world().node_size();
    if (!there) GTEST_SKIP() << "no device a rank: " << find_gpus().text;
  }
};

class NcclFaults : public NcclTest {
 protected:
  static constexpr int kAnyRank = -1;
  void SetUp() override {
    if (!over_the_double()) GTEST_SKIP() << "faults are planted in the double alone";
    part_ = mpi::ranks_world().split(0, mpi::ranks_world().rank());
    part_->set_deadline(3);
    aborted_ = count_of("gpu_double_aborted");
  }
  void TearDown() override {
    if (!part_) return;
    ::unsetenv("GPU_DOUBLE_FAULT");
    EXPECT_EQ(count_of("gpu_double_living"), 0) << "a communicator is left on rank " << part_->rank();
    mpi::ranks_world().barrier();
  }
  int last() const { return part_->size() - 1; }
  void plant_on(int rank, const char* what) const {
    if (part_->rank() == rank) ::setenv("GPU_DOUBLE_FAULT", what, 1);
  }
  // Every rank throws the same, soon, and has aborted once.
  void expect_all_leave(const std::function<void()>& call, const std::string& text, int spokesman, int aborts = 1) const {
    const auto start = std::chrono::steady_clock::now();
    try {
      call();
      FAIL() << "rank " << part_->rank() << " went on";
    } catch (const AgreedError& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ExitCode::rank_failed) << message;
      EXPECT_NE(message.find(text), std::string::npos) << message;
      if (spokesman != kAnyRank) {
        EXPECT_NE(message.find("rank " + std::to_string(spokesman) + " of"), std::string::npos) << message;
        EXPECT_EQ(error.spokesman(), part_->rank() == spokesman);
      }
      EXPECT_FALSE(error.everywhere());
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(9));
    EXPECT_EQ(count_of("gpu_double_aborted") - aborted_, aborts);
  }
  void sum_three_times() const {
    const auto group = make_nccl(*part_);
    std::vector<float> values(100, 1);
    for (int sum = 0; sum < 3; ++sum) group->all_reduce_sum(Values(values.data(), values.size(), Kind::float32, Place::device));
  }

  std::optional<mpi::Communicator> part_;
  int aborted_ = 0;
};

TEST_F(NcclTest, KeepsTheContractOnTheDevice) {
  const auto group = make_collective(mpi::ranks_world(), {.backend = "nccl"});
  EXPECT_EQ(group->name(), "nccl");
  EXPECT_TRUE(group->whole());
  contract(*group);  // host memory
  OnDevice device(make_nccl(mpi::ranks_world()));
  contract(device);
}

TEST_F(NcclTest, IsToldOfDifferentCalls) {
  OnDevice device(make_checked(make_nccl(mpi::ranks_world())));
  contract(device);
}

TEST_F(NcclTest, IsChosenForGradientsOnAGpu) {
  const auto group = make_collective(mpi::ranks_world(), {.gradients = Place::device});
  EXPECT_EQ(group->name(), group->size() == 1 ? "self" : "nccl");
}

TEST_F(NcclFaults, CallsInProgressAreWaitedFor) {
  plant_on(last(), "slow");
  sum_three_times();
  EXPECT_EQ(count_of("gpu_double_aborted"), aborted_);
}

TEST_F(NcclFaults, ASharedDeviceIsRefusedWithBothRanks) {
  ::setenv("GPU_DOUBLE_FAULT", "one_device", 1);
  if (part_->size() == 1) return sum_three_times();
  try {
    const auto made = make_nccl(*part_);
    FAIL() << "a device for two ranks";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("ranks 0 and 1 share GPU 0000:00:00.0 on "), std::string::npos) << error.what();
  }
}

TEST_F(NcclFaults, NoDeviceOnOneRankIsRefusedOnAll) {
  plant_on(last(), "no_device");
  try {
    const auto made = make_nccl(*part_);
    FAIL() << "a rank without a device";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("no CUDA-capable device"), std::string::npos) << error.what();
  }
}

TEST_F(NcclFaults, JoiningThatFailsEndsOnAll) {
  plant_on(last(), "init_error");
  expect_all_leave([&] { const auto made = make_nccl(*part_); }, "unhandled system error in joining the ranks", last());
}

TEST_F(NcclFaults, JoiningThatNeverEndsIsGivenUpByAll) {
  plant_on(last(), "init_hang");
  expect_all_leave([&] { const auto made = make_nccl(*part_); }, "no answer in joining the ranks for 3 s", kAnyRank);
}

TEST_F(NcclFaults, AnErrorOfOneRankEndsAll) {
  plant_on(last(), "error:2");
  expect_all_leave([&] { sum_three_times(); }, "unhandled cuda error in sum 2 (100 elements)", last());
}

TEST_F(NcclFaults, ASumThatIsRefusedEndsAll) {
  plant_on(last(), "launch_error:3");
  expect_all_leave([&] { sum_three_times(); }, "unhandled cuda error in sum 3 (100 elements)", last());
}

// Nobody has a better reason: who heard of it from NCCL says so.
TEST_F(NcclFaults, ARemoteErrorWithoutAReasonEndsAll) {
  plant_on(last(), "remote:2");
  expect_all_leave([&] { sum_three_times(); }, "remote process exited", last());
}

TEST_F(NcclFaults, ASumThatNeverEndsIsGivenUpByAll) {
  plant_on(last(), "hang:2");
  expect_all_leave([&] { sum_three_times(); }, "no answer in sum 2 (100 elements) for 3 s", kAnyRank);
}

// Several under way, one fails: the handles that are left let go without another wait.
TEST_F(NcclFaults, WhatWasBegunAfterTheFailureIsGivenUp) {
  plant_on(last(), "error:1");
  expect_all_leave(
      [&] {
        const auto group = make_nccl(*part_);
        std::vector<std::vector<double>> buckets(4, std::vector<double>(70000, 1));
        std::vector<Pending> pending;
        for (std::vector<double>& bucket : buckets) pending.push_back(group->start_sum(Values(bucket.data(), bucket.size(), Kind::float64, Place::device)));
        for (Pending& each : pending) each.wait();
      },
      "unhandled cuda error in sum 1 (70000 elements)", last());
}

}  // namespace
}  // namespace hepar::collective
