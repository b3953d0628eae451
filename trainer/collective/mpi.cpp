// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/collective.hpp"

namespace hepar::collective {

namespace {

class Mpi : public Collective {
 public:
  explicit Mpi(mpi::Communicator communicator) : communicator_(std::move(communicator)) {}
  std::string_view name() const override { return "mpi"; }
  int rank() const override { return communicator_.rank(); }
  int size() const override { return communicator_.size(); }
  void all_reduce_sum(std::span<std::int64_t> values) override { communicator_.all_reduce_sum(values); }
  void all_reduce_sum(std::span<float> values) override { communicator_.all_reduce_sum(values); }
  void all_reduce_sum(std::span<double> values) override { communicator_.all_reduce_sum(values); }
  void all_reduce_max(std::span<std::int64_t> values) override { communicator_.all_reduce_max(values); }
  void broadcast(std::span<std::byte> bytes, int root) override { communicator_.broadcast(bytes, root); }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override {
    std::vector<std::byte> all;
    for (const std::string& part : communicator_.gather_texts({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, root)) {
      const std::span<const std::byte> view = std::as_bytes(std::span(part.data(), part.size()));
      all.insert(all.end(), view.begin(), view.end());
    }
    return all;
  }
  void barrier() override { communicator_.barrier(); }
  bool whole() const override { return communicator_.whole(); }

 private:
  mpi::Communicator communicator_;
};

}  // namespace

std::unique_ptr<Collective> make_mpi(const mpi::Communicator& communicator) { return std::make_unique<Mpi>(communicator); }

}  // namespace hepar::collective
