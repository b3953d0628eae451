// SPDX-License-Identifier: Apache-2.0
// The threads of a rank that compute slots. Each keeps one intra-op thread: a slot's bits depend on it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hepar::engine {

// The cores that are this rank's own: those of the node, shared with the other ranks on it, within its binding.
[[nodiscard]] int cores_of_this_rank();

class Workers {
 public:
  explicit Workers(int count);
  Workers(const Workers&) = delete;
  ~Workers();
  [[nodiscard]] int count() const { return static_cast<int>(threads_.size()) + 1; }
  // Runs work(worker, task) for every task 0 … tasks-1, each once, on all workers (the caller is worker 0). Rethrows the
  // first exception after all have stopped.
  void run(std::int64_t tasks, const std::function<void(int worker, std::int64_t task)>& work);

 private:
  void serve(int worker);
  void take_tasks(int worker);

  std::mutex lock_;
  std::condition_variable wake_, done_;
  const std::function<void(int, std::int64_t)>* work_ = nullptr;
  std::int64_t tasks_ = 0, next_ = 0;
  std::uint64_t round_ = 0;
  int busy_ = 0;
  bool ending_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace hepar::engine
