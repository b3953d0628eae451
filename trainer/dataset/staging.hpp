// SPDX-License-Identifier: Apache-2.0
// A store copied to the node's own disk in the background: training begins where the store is and reads the copy from the
// moment that it is whole. The same bytes, so the same answer.
#pragma once

#include "sharding/store/store.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace hepar::dataset {

class Staging {
 public:
  using Say = std::function<void(const std::string& line)>;  // from the copying thread; a line at most

  // `wish`: off; a folder to copy into; or auto: a store on a network file system goes to SLURM_TMPDIR or TMPDIR, which a site
  // empties after the job. One rank of a node copies (`first`), the others find what it made. What does not work (no room, a
  // disk that fails, bytes that differ) is said and training goes on without.
  Staging(const store::Store& store, const std::string& wish, bool first, Say say);
  Staging(const Staging&) = delete;
  ~Staging();

  // The copy once it is there, before that the store. Thread-safe; neither goes away.
  [[nodiscard]] const store::Store& store() const { return *current_.load(std::memory_order_acquire); }
  [[nodiscard]] bool staged() const { return &store() != &store_; }

 private:
  void serve(const std::filesystem::path& folder, bool first, const Say& say);
  void copy_into(const std::filesystem::path& target) const;

  const store::Store& store_;
  std::unique_ptr<store::Store> copy_;
  std::atomic<const store::Store*> current_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace hepar::dataset
