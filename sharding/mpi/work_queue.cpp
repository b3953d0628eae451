// SPDX-License-Identifier: Apache-2.0
// Rank 0 hands out numbers from a thread of its own, so that a long task on rank 0 keeps nobody waiting. (One-sided
// counters need rank 0 inside MPI on networks without remote atomics, such as TCP.)
#include "sharding/mpi/session.hpp"
#include "sharding/mpi/wait.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <limits>
#include <stop_token>
#include <thread>

namespace hepar::mpi {

namespace {

using Work = std::function<void(std::int64_t)>;

constexpr int kAsk = 1, kAnswer = 2, kAllDone = 3;  // tags
constexpr std::int64_t kNothingMore = -1;
// One task (a patient with many slides) may take this many deadlines before the others call it stalled.
constexpr double kDeadlinesPerTask = 12;

struct Question {
  std::int64_t finished = 0;  // 1: the task taken before is done
  std::int64_t failed = 0;    // 1: it threw; no answer is expected
};

double now_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Rank 0's side: the numbers, and the thread that answers the other ranks.
class Dispatcher {
 public:
  Dispatcher(MPI_Comm handle, std::int64_t tasks, int others) : handle_(handle), tasks_(tasks), active_(others), last_sign_(now_seconds()) {}

  std::int64_t take() {
    const std::int64_t task = next_.fetch_add(1);
    return task < tasks_ ? task : kNothingMore;
  }
  void close() { next_ = tasks_; }  // the ranks take nothing more
  void count_one() { ++finished_; }
  [[nodiscard]] std::int64_t finished() const { return finished_; }
  [[nodiscard]] bool served() const { return active_ == 0; }
  [[nodiscard]] double silent_seconds() const { return now_seconds() - last_sign_; }

  void serve(const std::stop_token& stop) {
    while (!served() && !stop.stop_requested()) {
      int waiting = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, kAsk, handle_, &waiting, &status);
      if (waiting == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        continue;
      }
      answer(status.MPI_SOURCE);
    }
  }

 private:
  void answer(int source) {
    Question question;
    MPI_Recv(&question, 2, MPI_INT64_T, source, kAsk, handle_, MPI_STATUS_IGNORE);
    last_sign_ = now_seconds();
    finished_ += question.finished;
    if (question.failed != 0) {
      close();
      --active_;
      return;
    }
    const std::int64_t task = take();
    MPI_Send(&task, 1, MPI_INT64_T, source, kAnswer, handle_);
    if (task == kNothingMore) --active_;
  }

  MPI_Comm handle_;
  std::int64_t tasks_;
  std::atomic<std::int64_t> next_{0}, finished_{0};
  std::atomic<int> active_;
  std::atomic<double> last_sign_;
};

std::optional<Error> error_of(const std::exception_ptr& failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return as_error(error);
  }
  return std::nullopt;
}

std::exception_ptr work_at_root(Dispatcher& dispatcher, const Work& work, const Work& report, const Patience& patience) {
  std::exception_ptr failure;
  int provided = 0;
  MPI_Query_thread(&provided);
  // Without threads in MPI rank 0 only serves.
  const bool threaded = provided == MPI_THREAD_MULTIPLE;
  std::jthread server;
  if (threaded) {
    server = std::jthread([&](const std::stop_token& stop) { dispatcher.serve(stop); });
  } else {
    dispatcher.serve({});
  }
  try {
    for (std::int64_t task = dispatcher.take(); task != kNothingMore; task = dispatcher.take()) {
      work(task);
      dispatcher.count_one();
      report(dispatcher.finished());
    }
  } catch (...) {
    failure = std::current_exception();
    dispatcher.close();
  }
  while (!dispatcher.served()) {
    if (!failure) report(dispatcher.finished());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (dispatcher.silent_seconds() > patience.seconds)
      throw Error(ExitCode::rank_failed, "no rank has finished a task for " + std::to_string(static_cast<int>(patience.seconds)) + " s", "the work queue",
                  "a rank died or stalled; run the same command again to continue");
  }
  if (!failure) report(dispatcher.finished());
  return failure;
}

std::exception_ptr work_at_other(MPI_Comm handle, const Work& work, const Patience& patience) {
  Question question;
  while (true) {
    std::int64_t task = kNothingMore;
    std::exception_ptr failure;
    std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_Irecv(&task, 1, MPI_INT64_T, 0, kAnswer, handle, &requests[0]);
    MPI_Isend(&question, 2, MPI_INT64_T, 0, kAsk, handle, &requests[1]);
    for (MPI_Request& request : requests) wait(request, patience);
    if (task == kNothingMore) return nullptr;
    try {
      work(task);
    } catch (...) {
      question = {0, 1};
      MPI_Isend(&question, 2, MPI_INT64_T, 0, kAsk, handle, &requests[1]);
      wait(requests[1], patience);
      return std::current_exception();
    }
    question = {1, 0};
  }
}

void work_alone(std::int64_t tasks, const Work& work, const Work& report) {
  for (std::int64_t task = 0; task < tasks; ++task) {
    work(task);
    report(task + 1);
  }
}

}  // namespace

void work_queue(const Communicator& world, std::int64_t tasks, const Work& work, const Work& progress) {
  const Work report = [&](std::int64_t finished) {
    if (progress) progress(finished);
  };
  if (world.size() == 1) return work_alone(tasks, work, report);

  Patience patience{world.deadline(), world.rank(), world.size(), "the work queue"};
  MPI_Comm handle = MPI_COMM_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Comm_idup(MPI_Comm_f2c(world.fortran_handle()), &handle, &request);
  wait(request, patience);

  // Whoever finds nothing more to do waits until the last task of all is done: from there the usual deadline holds.
  Patience until_done = patience;
  until_done.seconds *= kDeadlinesPerTask;
  std::exception_ptr failure;
  char done = 0;
  if (world.root()) {
    Dispatcher dispatcher(handle, tasks, world.size() - 1);
    failure = work_at_root(dispatcher, work, report, until_done);
    for (int rank = 1; rank < world.size(); ++rank) MPI_Send(&done, 1, MPI_CHAR, rank, kAllDone, handle);
  } else {
    failure = work_at_other(handle, work, patience);
    MPI_Irecv(&done, 1, MPI_CHAR, 0, kAllDone, handle, &request);
    wait(request, until_done);
  }
  MPI_Comm_free(&handle);
  agree(world, error_of(failure));
}

}  // namespace hepar::mpi
