// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/session.hpp"

#include "sharding/mpi/node_window.hpp"
#include "sharding/mpi/wait.hpp"
#include "sharding/mpi/watch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

namespace hepar::mpi {

namespace {

constexpr double kDeadlineSeconds = 300;
constexpr double kAfterWatchSeconds = 60;  // the watch ends a job whose ranks stall: a wait outlasts its patience
// MPI counts are int: longer buffers go in pieces.
constexpr std::size_t kPiece = std::size_t{1} << 28;

// From here on sums through the host's shared memory are faster than MPI's.
constexpr std::size_t kWindowBytes = std::size_t{1} << 17;

// Rank numbers of launchers (slurm.md table): without any of these the process is alone and MPI is never started.
bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "PMI_ID"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

struct Kind {
  MPI_Datatype type;
  std::size_t bytes;
};

}  // namespace

struct Communicator::Impl {
  MPI_Comm handle = MPI_COMM_NULL;
  MPI_Comm node = MPI_COMM_NULL;
  int rank = 0, size = 1, node_rank = 0, node_size = 1;
  double deadline = kDeadlineSeconds;
  std::size_t piece = kPiece;
  bool owned = false, shares_memory = true;
  mutable std::unique_ptr<NodeWindow> window;  // from the first sum that is large enough
  mutable bool window_made = false;
  std::atomic<bool> abandoned{false};
  Standing standing;

  Impl(MPI_Comm comm, bool own, std::shared_ptr<Watch> watch) : handle(comm), owned(own), standing{std::move(watch), {0}} {
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
  // Handles are freed by MPI_Finalize or by the end of the process: freeing is collective and may not run while unwinding.
  ~Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] Patience patience(const char* operation) const {
    const double limit = standing.watch->activity().limit_seconds();
    return {limit > 0 ? std::max(deadline, limit + kAfterWatchSeconds) : deadline, rank, size, operation, &abandoned};
  }
  void wait(MPI_Request& request, const char* operation) const {
    const Activity::Scope waiting = standing.watch->activity().wait_for_ranks(operation);
    mpi::wait(request, patience(operation));
  }

  // For stage borders: ranks come there when their own work is done, which may take one of them hours longer. Who died
  // is the launcher's to notice, not this wait's.
  [[nodiscard]] std::int64_t patient_max(std::int64_t value) const {
    if (size == 1) return value;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, handle, &request);
    const Activity::Scope waiting = standing.watch->activity().wait_for_ranks("a stage border");
    mpi::wait(request, {std::numeric_limits<double>::infinity(), rank, size, "a stage border"});
    return value;
  }

  void all_reduce(void* data, std::size_t count, Kind kind, MPI_Op op, const char* operation) const {
    if (size == 1) return;
    auto* bytes = static_cast<char*>(data);
    for (std::size_t at = 0; at < count; at += piece) {
      const int now = static_cast<int>(std::min(piece, count - at));
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Iallreduce(MPI_IN_PLACE, bytes + at * kind.bytes, now, kind.type, op, handle, &request);
      wait(request, operation);
    }
  }
  template <class T>
  void sum(std::span<T> values, Kind kind) const {
    constexpr const char* kOperation = "a sum over ranks";
    if (size == 1) return;
    if (values.size_bytes() < kWindowBytes || !shares_memory || !have_window()) return all_reduce(values.data(), values.size(), kind, MPI_SUM, kOperation);
    const Activity::Scope waiting = standing.watch->activity().wait_for_ranks(kOperation);
    window->sum(values, patience(kOperation));
  }
  [[nodiscard]] bool have_window() const {
    if (!std::exchange(window_made, true)) window = NodeWindow::make(handle, node, patience("sharing memory"));
    return window != nullptr;
  }
};

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
void Communicator::all_reduce_max(std::span<std::int64_t> values) const { impl_->all_reduce(values.data(), values.size(), {MPI_INT64_T, 8}, MPI_MAX, "a maximum over ranks"); }

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

void check_launch() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (launched() || std::getenv("SLURM_STEP_ID") == nullptr || tasks == nullptr || std::atoi(tasks) < 2) return;
  throw usage_error("srun started " + std::string(tasks) + " tasks without MPI: each would do all the work alone", {}, "start with: srun --mpi=pmix hepar …");
}

std::string library_version() {
  std::string text(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  return text.substr(0, text.find_first_of(",\n"));
}

Session::Session(int& argc, char**& argv) : world_(nullptr) {
  if (launched()) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  }
  world_ = Communicator(std::make_shared<Communicator::Impl>(launched() ? MPI_COMM_WORLD : MPI_COMM_NULL, false, std::make_shared<Watch>()));
}

Session::~Session() = default;

const Communicator& Session::world() const { return world_; }

std::string Session::start_watch() const {
  const char* wish = std::getenv("HEPAR_WATCH");
  if (world_.size() == 1 || (wish != nullptr && std::string_view(wish) == "off")) return {};
  return world_.watch().start(world_);
}

void Session::finish() {
  world_.watch().leave(false);
  if (launched()) MPI_Finalize();
}

void Session::abort(int code) const {
  world_.watch().leave(true);
  // With one rank nobody waits: a plain exit keeps the code and spares the launcher's pages of advice.
  if (launched() && world_.size() > 1) MPI_Abort(MPI_COMM_WORLD, code);
  if (launched()) MPI_Finalize();
  std::exit(code);
}

void agree(const Communicator& world, const std::optional<Error>& mine) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const std::int64_t first = world.patient_max(mine ? -world.rank() : -kNone);
  if (first == -kNone) return;
  const int failing = static_cast<int>(-first);
  std::int64_t code = mine ? static_cast<std::int64_t>(mine->code()) : 0;
  world.broadcast(std::as_writable_bytes(std::span(&code, 1)), failing);
  const std::string message = world.broadcast_text(mine ? mine->what() : "", failing);
  throw AgreedError(Error(static_cast<ExitCode>(code), message), world.whole(), world.rank() == failing);
}

void together(const Communicator& world, const std::function<void()>& work) {
  std::optional<Error> mine;
  try {
    work();
  } catch (const std::exception& error) {
    mine = as_error(error);  // a library's exception too: the others wait in agree()
  }
  agree(world, mine);
}

}  // namespace hepar::mpi
