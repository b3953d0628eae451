// SPDX-License-Identifier: Apache-2.0
// A buffer passes through the shared memory piece by piece, small enough for the caches: every rank lays its piece down, sums
// its share of it over all ranks, and takes the others' shares. Two places for pieces take turns, so that two waits a piece
// are enough: who lays down piece k + 2 knows by piece k + 1 that everybody has taken piece k.
#include "sharding/mpi/node_window.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace hepar::mpi {

namespace {

// A wait costs a turn of the scheduler where ranks share cores: few large pieces; and the memory stays bounded.
constexpr std::size_t kLargestPiece = std::size_t{1} << 22, kSmallestPiece = std::size_t{1} << 18, kMostBytes = std::size_t{1} << 27;
constexpr int kMostRanks = 512;  // of a host

bool everywhere(MPI_Comm all, bool here, const Patience& patience) {
  int good = here ? 1 : 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, all, &request);
  wait(request, patience);
  return good != 0;
}

}  // namespace

struct NodeWindow::Shared {
  std::array<Count, kMostRanks> laid_down, summed;  // pieces, by rank
  std::array<Count, 1> over_hosts;                  // pieces that the leader has summed over hosts
  // Two pieces of the result follow, then two of each rank.
};

std::byte* NodeWindow::place(int which) const { return reinterpret_cast<std::byte*>(shared_ + 1) + (2 * static_cast<std::size_t>(which) + piece_ % 2) * piece_bytes_; }

std::unique_ptr<NodeWindow> NodeWindow::make(MPI_Comm all, MPI_Comm node, const Patience& patience) {
  std::unique_ptr<NodeWindow> window(new NodeWindow);
  MPI_Comm_rank(node, &window->rank_);
  MPI_Comm_size(node, &window->ranks_);
  if (!everywhere(all, window->ranks_ <= kMostRanks, patience)) return nullptr;
  if (everywhere(all, window->ranks_ == 1, patience)) return nullptr;
  const bool leads = window->rank_ == 0;
  std::array<char, 64> name{};
  if (leads)
    std::snprintf(name.data(), name.size(), "/hepar-%d-%llx", static_cast<int>(::getpid()),
                  static_cast<unsigned long long>(std::chrono::steady_clock::now().time_since_epoch().count()));
  bool good = !leads || window->attach(name.data(), true);
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibcast(name.data(), static_cast<int>(name.size()), MPI_CHAR, 0, node, &request);
  wait(request, patience);
  good = everywhere(node, good, patience) && (leads || window->attach(name.data(), false));
  good = everywhere(all, good, patience);  // from here on nobody needs the name
  if (leads) ::shm_unlink(name.data());
  if (!good) return nullptr;
  MPI_Comm_split(all, leads ? 0 : MPI_UNDEFINED, 0, &window->leaders_);
  if (leads) MPI_Comm_size(window->leaders_, &window->hosts_);
  MPI_Ibcast(&window->hosts_, 1, MPI_INT, 0, node, &request);
  wait(request, patience);
  return window;
}

NodeWindow::~NodeWindow() {
  if (shared_ != nullptr) ::munmap(static_cast<void*>(shared_), bytes_);
}

// Room is taken at once: a page that cannot be had later is a signal, not an error.
bool NodeWindow::attach(const char* name, bool creates) {
  const auto places = 2 * static_cast<std::size_t>(ranks_ + 1);
  piece_bytes_ = std::clamp(kMostBytes / places, kSmallestPiece, kLargestPiece) / alignof(Count) * alignof(Count);
  bytes_ = sizeof(Shared) + places * piece_bytes_;
  const int file = ::shm_open(name, creates ? O_CREAT | O_EXCL | O_RDWR : O_RDWR, 0600);
  if (file < 0) return false;
  void* at = MAP_FAILED;
  if (!creates || ::posix_fallocate(file, 0, static_cast<off_t>(bytes_)) == 0) at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (at == MAP_FAILED) {
    if (creates) ::shm_unlink(name);
    return false;
  }
  shared_ = static_cast<Shared*>(at);  // zero bytes are counts of zero
  return true;
}

// As `wait`: spins shortly, then leaves the core to the ranks it waits for.
void NodeWindow::wait_for(std::span<const Count> counts, const Patience& patience) const {
  constexpr int kSpins = 2000;
  int spins = 0;
  Waiting waiting(patience);
  for (const Count& count : counts)
    while (count.value.load(std::memory_order_acquire) < piece_) ++spins < kSpins ? __builtin_ia32_pause() : waiting.turn();
}

template <class T>
void NodeWindow::sum_piece(std::span<T> values, MPI_Datatype type, const Patience& patience) {
  ++piece_;
  const std::size_t share = (values.size() + static_cast<std::size_t>(ranks_) - 1) / static_cast<std::size_t>(ranks_);
  const auto begin_of = [&](int rank) { return std::min(values.size(), share * static_cast<std::size_t>(rank)); };
  T* result = reinterpret_cast<T*>(place(0));

  std::memcpy(place(rank_ + 1), values.data(), values.size_bytes());
  shared_->laid_down[static_cast<std::size_t>(rank_)].value.store(piece_, std::memory_order_release);
  wait_for(std::span(shared_->laid_down).first(static_cast<std::size_t>(ranks_)), patience);

  const std::size_t mine = begin_of(rank_), end = begin_of(rank_ + 1);
  const T* first = reinterpret_cast<const T*>(place(1));
  std::copy(first + mine, first + end, result + mine);
  for (int rank = 1; rank < ranks_; ++rank) {
    const T* theirs = reinterpret_cast<const T*>(place(rank + 1));
    for (std::size_t i = mine; i < end; ++i) result[i] += theirs[i];
  }
  shared_->summed[static_cast<std::size_t>(rank_)].value.store(piece_, std::memory_order_release);
  if (hosts_ == 1 || rank_ == 0) wait_for(std::span(shared_->summed).first(static_cast<std::size_t>(ranks_)), patience);
  if (hosts_ > 1) {
    if (rank_ == 0) {
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Iallreduce(MPI_IN_PLACE, result, static_cast<int>(values.size()), type, MPI_SUM, leaders_, &request);
      wait(request, patience);
      shared_->over_hosts.front().value.store(piece_, std::memory_order_release);
    }
    wait_for(shared_->over_hosts, patience);
  }
  std::memcpy(values.data(), result, values.size_bytes());
}

template <class T>
void NodeWindow::sum_pieces(std::span<T> values, MPI_Datatype type, const Patience& patience) {
  const std::size_t elements = piece_bytes_ / sizeof(T);
  for (std::size_t at = 0; at < values.size(); at += elements) sum_piece(values.subspan(at, std::min(elements, values.size() - at)), type, patience);
}

void NodeWindow::sum(std::span<std::int64_t> values, const Patience& patience) { sum_pieces(values, MPI_INT64_T, patience); }
void NodeWindow::sum(std::span<float> values, const Patience& patience) { sum_pieces(values, MPI_FLOAT, patience); }
void NodeWindow::sum(std::span<double> values, const Patience& patience) { sum_pieces(values, MPI_DOUBLE, patience); }

}  // namespace hepar::mpi
