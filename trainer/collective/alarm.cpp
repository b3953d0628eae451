// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/alarm.hpp"

#include <mpi.h>

namespace hepar::collective {

namespace {

constexpr double kMeetSeconds = 10;  // a rank that is alive polls every few milliseconds
constexpr int kTag = 1;
constexpr char kBell = 0;

}  // namespace

// The communicator is this alarm's own: nothing else is sent on it.
Alarm::Alarm(const mpi::Communicator& group) : line_(group.split(0, group.rank())), whole_(group.whole()) {
  line_.set_deadline(kMeetSeconds);
  meeting_ = line_.size() == 1 ? make_self(whole_) : make_mpi(line_);
}

bool Alarm::heard() const {
  if (line_.size() == 1) return false;
  int there = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_Comm_f2c(line_.fortran_handle()), &there, MPI_STATUS_IGNORE);
  return there != 0;
}

void Alarm::tell() const {
  for (int rank = 0; rank < line_.size(); ++rank) {
    if (rank == line_.rank()) continue;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&kBell, 1, MPI_CHAR, rank, kTag, MPI_Comm_f2c(line_.fortran_handle()), &request);
    MPI_Request_free(&request);
  }
}

void Alarm::leave(const std::optional<Error>& mine) {
  if (mine) tell();
  try {
    agree(*meeting_, mine);
  } catch (const AgreedError& error) {
    throw AgreedError(error, whole_, error.spokesman());
  } catch (const Error&) {
    if (mine) throw *mine;
  }
  throw Error(ExitCode::rank_failed, "another rank failed and has not said why", "rank " + std::to_string(line_.rank()) + " of " + std::to_string(line_.size()),
              "run the same command again to continue");
}

}  // namespace hepar::collective
