// SPDX-License-Identifier: Apache-2.0
// Ranks as threads of one process: the engine's tests run groups of any size without a launcher.
#include "trainer/collective/collective.hpp"
#include "trainer/collective/lane.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace hepar::collective {

namespace {

// What the ranks share: a barrier with a deadline, and where each keeps the buffer of the present call.
class Meeting {
 public:
  Meeting(int ranks, double deadline) : buffers_(static_cast<std::size_t>(ranks)), ranks_(ranks), deadline_(deadline) {}

  void meet(int rank) {
    std::unique_lock guard(lock_);
    const auto gave_up = [&] { return Error(ExitCode::rank_failed, "a rank of the group gave up", "rank " + std::to_string(rank)); };
    if (given_up_) throw gave_up();
    const std::uint64_t round = round_;
    if (++arrived_ == ranks_) {
      arrived_ = 0;
      ++round_;
      all_here_.notify_all();
      return;
    }
    all_here_.wait_for(guard, std::chrono::duration<double>(deadline_), [&] { return round_ != round || given_up_; });
    if (round_ != round) return;
    if (given_up_) throw gave_up();
    given_up_ = true;  // whoever comes later finds nobody
    throw Error(ExitCode::rank_failed, "a rank did not arrive within " + std::to_string(deadline_) + " s", "rank " + std::to_string(rank),
                "run the same command again to continue");
  }
  std::vector<std::span<std::byte>>& buffers() { return buffers_; }
  void give_up() {
    const std::lock_guard guard(lock_);
    given_up_ = true;
    all_here_.notify_all();
  }

 private:
  std::mutex lock_;
  std::condition_variable all_here_;
  std::vector<std::span<std::byte>> buffers_;
  int ranks_, arrived_ = 0;
  std::uint64_t round_ = 0;
  bool given_up_ = false;
  double deadline_;
};

class Thread : public Collective {
 public:
  Thread(std::shared_ptr<Meeting> meeting, int rank, int size)
      : Collective(mpi::Standing{}), meeting_(std::move(meeting)), rank_(rank), size_(size), lane_([this] { meeting_->give_up(); }) {}
  std::string_view name() const override { return "thread"; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  bool whole() const override { return true; }

  void all_reduce_sum(Values values) override {
    lane_.run([&] { sum(values); });
  }
  Pending start_sum(Values values) override {
    return lane_.start([this, values] { sum(values); });
  }
  bool overlaps() const override { return true; }
  void all_reduce_max(std::span<std::int64_t> values) override {
    lane_.run([&] { combine(values, [](std::int64_t a, std::int64_t b) { return std::max(a, b); }); });
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    lane_.run([&] {
      show(bytes);
      const std::span<std::byte> from = meeting_->buffers()[static_cast<std::size_t>(root)];
      if (rank_ != root) std::copy(from.begin(), from.end(), bytes.begin());
      meeting_->meet(rank_);
    });
  }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override {
    std::vector<std::byte> mine(bytes.begin(), bytes.end()), all;
    lane_.run([&] {
      show(mine);
      if (rank_ == root)
        for (const std::span<std::byte> part : meeting_->buffers()) all.insert(all.end(), part.begin(), part.end());
      meeting_->meet(rank_);
    });
    return all;
  }
  void barrier() override {
    lane_.run([&] { meeting_->meet(rank_); });
  }

 private:
  void show(std::span<std::byte> bytes) {
    meeting_->buffers()[static_cast<std::size_t>(rank_)] = bytes;
    meeting_->meet(rank_);
  }
  template <class T>
  void sum_of(Values values) {
    combine(std::span(static_cast<T*>(values.data), values.count), [](T a, T b) { return a + b; });
  }
  void sum(Values values) {
    switch (values.kind) {
      case Kind::int64: return sum_of<std::int64_t>(values);
      case Kind::float32: return sum_of<float>(values);
      case Kind::float64: return sum_of<double>(values);
      case Kind::bfloat16: throw Error(ExitCode::bug, "threads sum no bfloat16");
    }
  }
  template <class T, class Operation>
  void combine(std::span<T> values, Operation operation) {
    show(std::as_writable_bytes(values));
    std::vector<T> result(values.size());
    for (std::size_t r = 0; r < meeting_->buffers().size(); ++r) {
      const T* theirs = reinterpret_cast<const T*>(meeting_->buffers()[r].data());
      for (std::size_t i = 0; i < result.size(); ++i) result[i] = r == 0 ? theirs[i] : operation(result[i], theirs[i]);
    }
    meeting_->meet(rank_);  // nobody reads the old values any more
    std::copy(result.begin(), result.end(), values.begin());
  }

  std::shared_ptr<Meeting> meeting_;
  int rank_, size_;
  Lane lane_;
};

}  // namespace

std::vector<std::unique_ptr<Collective>> make_threads(int ranks, double deadline_seconds) {
  const auto meeting = std::make_shared<Meeting>(ranks, deadline_seconds);
  std::vector<std::unique_ptr<Collective>> all;
  for (int rank = 0; rank < ranks; ++rank) all.push_back(std::make_unique<Thread>(meeting, rank, ranks));
  return all;
}

}  // namespace hepar::collective
