// SPDX-License-Identifier: Apache-2.0
// What every backend promises, as one story that all ranks of a group tell together.
#pragma once

#include "trainer/collective/collective.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

namespace hepar::collective {

inline void sums_and_maxima(Collective& group) {
  const std::int64_t n = group.size(), r = group.rank();
  std::vector<std::int64_t> whole(5000);
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = (std::int64_t{1} << 58) / n * (i % 2 == 0 ? 1 : -1) + static_cast<std::int64_t>(i) * (r + 1);
  group.all_reduce_sum(std::span(whole));
  for (std::size_t i = 0; i < whole.size(); ++i)
    ASSERT_EQ(whole[i], (std::int64_t{1} << 58) / n * n * (i % 2 == 0 ? 1 : -1) + static_cast<std::int64_t>(i) * n * (n + 1) / 2);
  std::vector<float> floats{1.5F, static_cast<float>(r)};
  std::vector<double> doubles{0.25, static_cast<double>(-r)};
  group.all_reduce_sum(std::span(floats));
  group.all_reduce_sum(std::span(doubles));
  EXPECT_EQ(floats, (std::vector<float>{1.5F * static_cast<float>(n), static_cast<float>(n * (n - 1) / 2)}));
  EXPECT_EQ(doubles, (std::vector<double>{0.25 * static_cast<double>(n), -static_cast<double>(n * (n - 1) / 2)}));
  std::vector<std::int64_t> highest{r, -r, std::numeric_limits<std::int64_t>::min()};
  group.all_reduce_max(std::span(highest));
  EXPECT_EQ(highest, (std::vector<std::int64_t>{n - 1, 0, std::numeric_limits<std::int64_t>::min()}));
  group.all_reduce_sum(std::span<std::int64_t>());
}

inline void texts(Collective& group) {
  const int last = group.size() - 1;
  std::vector<std::byte> bytes(300, static_cast<std::byte>(group.rank() + 1));
  group.broadcast(bytes, last);
  for (const std::byte b : bytes) ASSERT_EQ(b, static_cast<std::byte>(last + 1));
  // Lengths differ, rank 0 has nothing.
  const std::string mine(static_cast<std::size_t>(group.rank()), static_cast<char>('a' + group.rank()));
  const std::vector<std::byte> all = group.gather(std::as_bytes(std::span(mine)), 0);
  std::string expected;
  for (int r = 0; r < group.size(); ++r) expected += std::string(static_cast<std::size_t>(r), static_cast<char>('a' + r));
  const std::string got(reinterpret_cast<const char*>(all.data()), all.size());
  EXPECT_EQ(got, group.rank() == 0 ? expected : "");
  EXPECT_EQ(broadcast_text(group, group.rank() == 0 ? "from the first" : "not this"), "from the first");
  group.barrier();
}

inline void errors_are_agreed(Collective& group) {
  together(group, [] {});
  const int failing = group.size() / 2;
  try {
    together(group, [&] {
      if (group.rank() >= failing) throw store_error("rank " + std::to_string(group.rank()) + " found damage", {"a.h5"});
    });
    FAIL() << "nothing was thrown";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::store);
    EXPECT_NE(std::string(error.what()).find("rank " + std::to_string(failing) + " found damage"), std::string::npos) << error.what();
    EXPECT_EQ(error.spokesman(), group.rank() == failing);
  }
}

inline void contract(Collective& group) {
  sums_and_maxima(group);
  texts(group);
  errors_are_agreed(group);
}

}  // namespace hepar::collective
