// SPDX-License-Identifier: Apache-2.0
// The classical hang is two ranks in different calls: in this mode they say so instead.
#include "trainer/collective/collective.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace hepar::collective {

namespace {

constexpr std::array<const char*, 4> kKindNames{"int64", "float32", "float64", "bfloat16"};
constexpr std::array<const char*, 2> kPlaceNames{"", " on the GPU"};

class Checked : public Collective {
 public:
  explicit Checked(std::unique_ptr<Collective> group) : Collective(group->standing()), group_(std::move(group)) {}
  std::string_view name() const override { return group_->name(); }
  int rank() const override { return group_->rank(); }
  int size() const override { return group_->size(); }
  bool whole() const override { return group_->whole(); }
  bool overlaps() const override { return group_->overlaps(); }

  void all_reduce_sum(Values values) override {
    compare(text_of("a sum", values));
    group_->all_reduce_sum(values);
  }
  Pending start_sum(Values values) override {
    compare(text_of("a sum that was begun", values));
    return group_->start_sum(values);
  }
  void all_reduce_max(std::span<std::int64_t> values) override {
    compare(text_of("a maximum", values));
    group_->all_reduce_max(values);
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    compare(fmt::format("a broadcast of {} bytes from rank {}", bytes.size(), root));
    group_->broadcast(bytes, root);
  }
  std::vector<std::byte> gather(std::span<const std::byte> bytes, int root) override {
    compare(fmt::format("a gather to rank {}", root));
    return group_->gather(bytes, root);
  }
  void barrier() override {
    compare("a barrier");
    group_->barrier();
  }

 private:
  static std::string text_of(const char* operation, const Values& values) {
    return fmt::format("{} of {} {}{}", operation, values.count, kKindNames[static_cast<std::size_t>(values.kind)],
                       kPlaceNames[static_cast<std::size_t>(values.place)]);
  }

  void compare(const std::string& call) {
    const std::string mine = fmt::format("call {}, {}\n", ++calls_, call);
    const auto hash = static_cast<std::int64_t>(std::hash<std::string>{}(mine) >> 2);
    std::array<std::int64_t, 2> extremes{hash, -hash};
    group_->all_reduce_max(extremes);
    if (extremes[0] == -extremes[1]) return;
    const std::vector<std::byte> gathered = group_->gather(std::as_bytes(std::span(mine)), 0);
    const std::string lines(reinterpret_cast<const char*>(gathered.data()), gathered.size());
    throw Error(ExitCode::bug, "the ranks of a group made different calls: " + broadcast_text(*group_, difference(lines)));
  }

  // "rank 0: call 7, a barrier; rank 2: call 7, a sum of 3 int64" of the first pair that differs.
  static std::string difference(const std::string& lines) {
    const auto calls = split(lines, '\n');
    for (std::size_t r = 1; r + 1 < calls.size(); ++r)
      if (calls[r] != calls[0]) return fmt::format("rank 0: {}; rank {}: {}", calls[0], r, calls[r]);
    return {};
  }

  std::unique_ptr<Collective> group_;
  std::int64_t calls_ = 0;
};

}  // namespace

std::unique_ptr<Collective> make_checked(std::unique_ptr<Collective> group) { return std::make_unique<Checked>(std::move(group)); }

}  // namespace hepar::collective
