// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/collective.hpp"
#include "trainer/collective/lane.hpp"

namespace hepar::collective {

namespace {

class Mpi : public Collective {
 public:
  explicit Mpi(mpi::Communicator communicator)
      : Collective(communicator.standing()), communicator_(std::move(communicator)), lane_([this] { communicator_.abandon(); }) {}
  std::string_view name() const override { return "mpi"; }
  int rank() const override { return communicator_.rank(); }
  int size() const override { return communicator_.size(); }

  void all_reduce_sum(Values values) override {
    lane_.run([&] { sum(values); });
  }
  Pending start_sum(Values values) override {
    return lane_.start([this, values] { sum(values); });
  }
  bool overlaps() const override { return true; }
  void all_reduce_max(std::span<std::int64_t> values) override {
    lane_.run([&] { communicator_.all_reduce_max(values); });
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    lane_.run([&] { communicator_.broadcast(bytes, root); });
  }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override {
    std::vector<std::byte> all;
    lane_.run([&] {
      for (const std::string& part : communicator_.gather_texts({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, root)) {
        const std::span<const std::byte> view = std::as_bytes(std::span(part.data(), part.size()));
        all.insert(all.end(), view.begin(), view.end());
      }
    });
    return all;
  }
  void barrier() override {
    lane_.run([&] { communicator_.barrier(); });
  }
  bool whole() const override { return communicator_.whole(); }

 private:
  template <class T>
  void sum_of(Values values) const {
    communicator_.all_reduce_sum(std::span(static_cast<T*>(values.data), values.count));
  }
  void sum(Values values) const {
    if (values.place != Place::host) throw Error(ExitCode::bug, "the mpi backend was given values on a GPU");
    switch (values.kind) {
      case Kind::int64: return sum_of<std::int64_t>(values);
      case Kind::float32: return sum_of<float>(values);
      case Kind::float64: return sum_of<double>(values);
      case Kind::bfloat16: throw Error(ExitCode::bug, "MPI has no bfloat16");
    }
  }

  mpi::Communicator communicator_;
  Lane lane_;
};

}  // namespace

std::unique_ptr<Collective> make_mpi(const mpi::Communicator& communicator) { return std::make_unique<Mpi>(communicator); }

}  // namespace hepar::collective
