// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/workers.hpp"

#include "data/base/machine.hpp"
#include "data/base/text.hpp"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace hepar::engine {

int cores_of_this_rank() {
  const int bound = this_machine().cores, online = std::max(bound, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  long long ranks = 1;
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"})
    if (const char* value = std::getenv(name)) ranks = std::max(ranks, parse_integer(value).value_or(1));
  return std::clamp(static_cast<int>(online / ranks), 1, bound);
}

Workers::Workers(int count) {
  at::set_num_threads(1);
  for (int worker = 1; worker < count; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
}

Workers::~Workers() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::take_tasks(int worker) {
  while (true) {
    std::int64_t task = 0;
    {
      const std::lock_guard guard(lock_);
      if (next_ >= tasks_) return;
      task = next_++;
    }
    try {
      (*work_)(worker, task);
    } catch (...) {
      const std::lock_guard guard(lock_);
      if (!failure_) failure_ = std::current_exception();
      next_ = tasks_;
    }
  }
}

void Workers::serve(int worker) {
  at::set_num_threads(1);  // the OpenMP setting is one a thread
  for (std::uint64_t seen = 0;;) {
    {
      std::unique_lock guard(lock_);
      wake_.wait(guard, [&] { return ending_ || round_ != seen; });
      if (ending_) return;
      seen = round_;
    }
    take_tasks(worker);
    {
      const std::lock_guard guard(lock_);
      --busy_;
    }
    done_.notify_one();
  }
}

void Workers::run(std::int64_t tasks, const std::function<void(int, std::int64_t)>& work) {
  {
    const std::lock_guard guard(lock_);
    work_ = &work;
    tasks_ = tasks;
    next_ = 0;
    failure_ = nullptr;
    busy_ = static_cast<int>(threads_.size());
    ++round_;
  }
  wake_.notify_all();
  take_tasks(0);
  std::unique_lock guard(lock_);
  done_.wait(guard, [&] { return busy_ == 0; });
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace hepar::engine
