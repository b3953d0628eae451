// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/communicator.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

namespace hepar::mpi {

namespace {

constexpr double kAfterWatchSeconds = 60;  // the watch ends a job whose ranks stall: a wait outlasts its patience
// From here on sums through the host's shared memory may be faster than MPI's; from the second on they are (hepar bench reduce).
constexpr std::size_t kWindowBytes = std::size_t{1} << 17, kWindowFloatBytes = std::size_t{1} << 26;

}  // namespace

Communicator::Impl::Impl(MPI_Comm comm, bool own, std::shared_ptr<Watch> watch) : handle(comm), owned(own), standing{std::move(watch), {0}} {
  if (comm == MPI_COMM_NULL) return;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &node_rank);
  MPI_Comm_size(node, &node_size);
  MPI_Group mine, all;
  MPI_Comm_group(comm, &mine);
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  std::vector<int> here(static_cast<std::size_t>(size));
  std::iota(here.begin(), here.end(), 0);
  standing.ranks = here;
  MPI_Group_translate_ranks(mine, size, here.data(), all, standing.ranks.data());
  MPI_Group_free(&mine);
  MPI_Group_free(&all);
}

Patience Communicator::Impl::patience(const char* operation) const {
  const double limit = standing.watch->activity().limit_seconds();
  return {limit > 0 ? std::max(deadline, limit + kAfterWatchSeconds) : deadline, rank, size, operation, &abandoned};
}

void Communicator::Impl::wait(MPI_Request& request, const char* operation) const {
  const Activity::Scope waiting = standing.watch->activity().wait_for_ranks(operation);
  mpi::wait(request, patience(operation));
}

// For stage borders: ranks come there when their own work is done, which may take one of them hours longer. Who died
// is the watch's to notice, not this wait's.
std::int64_t Communicator::Impl::patient_max(std::int64_t value) const {
  if (size == 1) return value;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, handle, &request);
  const Activity::Scope waiting = standing.watch->activity().wait_for_ranks("a stage border");
  mpi::wait(request, {std::numeric_limits<double>::infinity(), rank, size, "a stage border"});
  return value;
}

void Communicator::Impl::all_reduce(void* data, std::size_t count, Kind kind, MPI_Op op, const char* operation) const {
  if (size == 1) return;
  auto* bytes = static_cast<char*>(data);
  for (std::size_t at = 0; at < count; at += piece) {
    const int now = static_cast<int>(std::min(piece, count - at));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(MPI_IN_PLACE, bytes + at * kind.bytes, now, kind.type, op, handle, &request);
    wait(request, operation);
  }
}

bool Communicator::Impl::have_window() {
  if (!std::exchange(window_made, true)) window = NodeWindow::make(handle, node, patience("sharing memory"));
  return window != nullptr;
}

template <class T>
void Communicator::Impl::sum(std::span<T> values, Kind kind) {
  constexpr const char* kOperation = "a sum over ranks";
  if (size == 1) return;
  const auto by = [&](FastestWay::Way way) {
    if (way == FastestWay::Way::mpi) return all_reduce(values.data(), values.size(), kind, MPI_SUM, kOperation);
    const Activity::Scope waiting = standing.watch->activity().wait_for_ranks(kOperation);
    window->sum(values, patience(kOperation));
  };
  if (values.size_bytes() < kWindowBytes || !shares_memory || !have_window()) return by(FastestWay::Way::mpi);
  // Floats of three ranks depend on the order of the sum, and repeat only if it does: by a rule, not by a race.
  if (size > 2 && !std::is_integral_v<T>) return by(values.size_bytes() < kWindowFloatBytes ? FastestWay::Way::mpi : FastestWay::Way::window);
  way.run(values.size_bytes(), by, [&](std::array<std::int64_t, 2>& nanoseconds) {
    all_reduce(nanoseconds.data(), 2, {MPI_INT64_T, 8}, MPI_MAX, "choosing how to sum");
  });
}

Communicator::Communicator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

int Communicator::rank() const { return impl_->rank; }
int Communicator::size() const { return impl_->size; }
int Communicator::node_rank() const { return impl_->node_rank; }
int Communicator::node_size() const { return impl_->node_size; }
double Communicator::deadline() const { return impl_->deadline; }
void Communicator::set_deadline(double seconds) { impl_->deadline = seconds; }
void Communicator::set_longest_call(std::size_t elements) { impl_->piece = elements; }
void Communicator::set_shared_memory(bool use) { impl_->shares_memory = use; }
void Communicator::abandon() const { impl_->abandoned = true; }
Watch& Communicator::watch() const { return *impl_->standing.watch; }
Standing Communicator::standing() const { return impl_->standing; }
bool Communicator::whole() const { return !impl_->owned; }
int Communicator::fortran_handle() const { return impl_->handle == MPI_COMM_NULL ? -1 : MPI_Comm_c2f(impl_->handle); }

void Communicator::barrier() const {
  if (impl_->size == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(impl_->handle, &request);
  impl_->wait(request, "a barrier");
}

void Communicator::all_reduce_sum(std::span<std::int64_t> values) const { impl_->sum(values, {MPI_INT64_T, 8}); }
void Communicator::all_reduce_sum(std::span<float> values) const { impl_->sum(values, {MPI_FLOAT, 4}); }
void Communicator::all_reduce_sum(std::span<double> values) const { impl_->sum(values, {MPI_DOUBLE, 8}); }
void Communicator::all_reduce_max(std::span<std::int64_t> values) const {
  impl_->all_reduce(values.data(), values.size(), {MPI_INT64_T, 8}, MPI_MAX, "a maximum over ranks");
}

std::int64_t Communicator::patient_max(std::int64_t value) const { return impl_->patient_max(value); }

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
  if (impl_->size == 1) return;
  for (std::size_t at = 0; at < bytes.size(); at += impl_->piece) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(bytes.data() + at, static_cast<int>(std::min(impl_->piece, bytes.size() - at)), MPI_BYTE, root, impl_->handle, &request);
    impl_->wait(request, "a broadcast");
  }
}

std::string Communicator::broadcast_text(const std::string& text, int root) const {
  if (impl_->size == 1) return text;
  std::int64_t length = static_cast<std::int64_t>(text.size());
  broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
  std::string out = rank() == root ? text : std::string(static_cast<std::size_t>(length), '\0');
  broadcast(std::as_writable_bytes(std::span(out.data(), out.size())), root);
  return out;
}

std::vector<std::string> Communicator::gather_texts(const std::string& text, int root) const {
  std::vector<std::string> all = all_gather_texts(text);
  if (rank() != root) all.clear();
  return all;
}

std::vector<std::string> Communicator::all_gather_texts(const std::string& text) const {
  // One broadcast a rank: texts are short, and lengths beyond int need no displacements.
  std::vector<std::string> all;
  for (int r = 0; r < size(); ++r) all.push_back(broadcast_text(r == rank() ? text : std::string(), r));
  return all;
}

Communicator Communicator::split(int colour, int key) const {
  if (impl_->handle == MPI_COMM_NULL) return Communicator(std::make_shared<Impl>(MPI_COMM_NULL, true, impl_->standing.watch));
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(impl_->handle, colour, key, &part);
  Communicator made(std::make_shared<Impl>(part, true, impl_->standing.watch));
  made.set_deadline(impl_->deadline);
  return made;
}

}  // namespace hepar::mpi
