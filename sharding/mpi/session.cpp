// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/session.hpp"

#include "sharding/mpi/communicator.hpp"
#include "sharding/mpi/launch.hpp"

#include <cstdlib>
#include <limits>
#include <string_view>

namespace hepar::mpi {

namespace {

// Without a launcher the process is alone and MPI is never started.
bool launched() { return read_launch(process_environment()).started(); }

}  // namespace

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
