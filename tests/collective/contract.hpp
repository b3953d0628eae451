// SPDX-License-Identifier: Apache-2.0
// What every backend promises, as one story that all ranks of a group tell together.
#pragma once

#include "trainer/collective/collective.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace hepar::collective {


// Element i of rank r. Sums over ranks reach beyond 2^53, where only integers are exact.
inline std::int64_t whole_number(std::int64_t ranks, std::int64_t rank, std::size_t i) {
  return (std::int64_t{1} << 58) / ranks * (i % 2 == 0 ? 1 : -1) + static_cast<std::int64_t>(i) * (rank + 1);
}
inline std::int64_t whole_sum(std::int64_t ranks, std::size_t i) {
  return (std::int64_t{1} << 58) / ranks * ranks * (i % 2 == 0 ? 1 : -1) + static_cast<std::int64_t>(i) * ranks * (ranks + 1) / 2;
}

inline std::vector<std::int64_t> whole_numbers(const Collective& group, std::size_t count) {
  std::vector<std::int64_t> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = whole_number(group.size(), group.rank(), i);
  return values;
}

inline void expect_whole_sums(const std::vector<std::int64_t>& values, std::int64_t ranks) {
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], whole_sum(ranks, i)) << i << " of " << values.size();
}

inline void sums_and_maxima(Collective& group) {
  const std::int64_t n = group.size(), r = group.rank();
  for (const std::size_t count : {std::size_t{1}, std::size_t{5000}, std::size_t{300001}}) {
    std::vector<std::int64_t> whole = whole_numbers(group, count);
    group.all_reduce_sum(whole);
    expect_whole_sums(whole, n);
  }
  std::vector<float> floats{1.5F, static_cast<float>(r)};
  std::vector<double> doubles{0.25, static_cast<double>(-r)};
  group.all_reduce_sum(floats);
  group.all_reduce_sum(doubles);
  EXPECT_EQ(floats, (std::vector<float>{1.5F * static_cast<float>(n), static_cast<float>(n * (n - 1) / 2)}));
  EXPECT_EQ(doubles, (std::vector<double>{0.25 * static_cast<double>(n), -static_cast<double>(n * (n - 1) / 2)}));
  std::vector<std::int64_t> highest{r, -r, std::numeric_limits<std::int64_t>::min()};
  group.all_reduce_max(highest);
  EXPECT_EQ(highest, (std::vector<std::int64_t>{n - 1, 0, std::numeric_limits<std::int64_t>::min()}));
  group.all_reduce_sum(std::span<std::int64_t>());
  group.all_reduce_max(std::span<std::int64_t>());
}

// What is not finite on one rank is so on all, and the neighbours stay as they are.
inline void not_finite(Collective& group) {
  const bool last = group.rank() == group.size() - 1;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{1, last ? std::numeric_limits<float>::quiet_NaN() : 1, last ? -kInfinity : 1, 2};
  group.all_reduce_sum(values);
  EXPECT_EQ(values[0], static_cast<float>(group.size()));
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_EQ(values[2], -kInfinity);
  EXPECT_EQ(values[3], 2 * static_cast<float>(group.size()));
}

// The same numbers of the same ranks give the same bits every time, and on every rank.
inline void float_sums_repeat(Collective& group) {
  std::vector<float> first;
  for (int round = 0; round < 3; ++round) {
    std::vector<float> values(100003);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i) * 0.37F + static_cast<float>(group.rank())) * std::ldexp(1.0F, static_cast<int>(i % 40) - 20);
    group.all_reduce_sum(values);
    if (round == 0) first = values;
    ASSERT_EQ(std::memcmp(first.data(), values.data(), values.size() * sizeof(float)), 0) << "round " << round;
    std::vector<float> root = values;
    group.broadcast(std::as_writable_bytes(std::span(root)), 0);
    ASSERT_EQ(std::memcmp(root.data(), values.data(), values.size() * sizeof(float)), 0) << "rank " << group.rank();
  }
}

// Begun and waited for later, in another order, with another call in between.
inline void begun_and_waited_for(Collective& group) {
  const std::int64_t n = group.size();
  std::vector<std::vector<std::int64_t>> buckets;
  for (const std::size_t count : {70000U, 1U, 0U, 4096U, 70001U}) buckets.push_back(whole_numbers(group, count));
  std::vector<Pending> pending;
  for (std::vector<std::int64_t>& bucket : buckets) pending.push_back(group.start_sum(bucket));
  std::int64_t one = 1;
  group.all_reduce_max(std::span(&one, 1));
  for (std::size_t b = buckets.size(); b-- > 0;) pending[b].wait();
  for (const std::vector<std::int64_t>& bucket : buckets) expect_whole_sums(bucket, n);

  std::vector<double> slow(200000, 1), quick(3, static_cast<double>(group.rank()));
  Pending first = group.start_sum(slow), second = group.start_sum(quick);
  second.wait();
  EXPECT_EQ(quick, std::vector<double>(3, static_cast<double>(n * (n - 1) / 2)));
  first.wait();
  first.wait();  // once more is nothing
  EXPECT_TRUE(first.finished());
  EXPECT_EQ(slow, std::vector<double>(200000, static_cast<double>(n)));
  EXPECT_TRUE(Pending().finished());
}

inline void texts(Collective& group) {
  const int last = group.size() - 1;
  std::vector<std::byte> bytes(300, static_cast<std::byte>(group.rank() + 1));
  group.broadcast(bytes, last);
  for (const std::byte b : bytes) ASSERT_EQ(b, static_cast<std::byte>(last + 1));
  group.broadcast({}, last);
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
  not_finite(group);
  float_sums_repeat(group);
  begun_and_waited_for(group);
  texts(group);
  errors_are_agreed(group);
}

// With make_checked: a rank that asks for something else is told on by all of them; what is alike passes.
inline void different_calls_are_told(Collective& checked) {
  contract(checked);
  if (checked.size() == 1) return;
  const bool odd = checked.rank() == checked.size() - 1;
  const auto expect_told = [&](const std::function<void()>& call, const std::string& at_first, const std::string& at_odd) {
    try {
      call();
      FAIL() << "nothing was told";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bug);
      const std::string message = error.what();
      EXPECT_NE(message.find(at_first + "; rank " + std::to_string(checked.size() - 1)), std::string::npos) << message;
      EXPECT_NE(message.find(at_odd), std::string::npos) << message;
    }
  };
  std::vector<std::int64_t> values(3);
  std::vector<float> floats(3);
  expect_told([&] { checked.all_reduce_sum(std::span(values).first(odd ? 2 : 3)); }, "a sum of 3 int64", "a sum of 2 int64");
  expect_told([&] { odd ? checked.all_reduce_sum(floats) : checked.all_reduce_sum(values); }, "a sum of 3 int64", "a sum of 3 float32");
  expect_told([&] { odd ? checked.barrier() : checked.start_sum(values).wait(); }, "a sum that was begun of 3 int64", "a barrier");
  expect_told([&] { checked.broadcast({}, odd ? 1 : 0); }, "a broadcast of 0 bytes from rank 0", "a broadcast of 0 bytes from rank 1");
  checked.barrier();  // told, they can go on
}

}  // namespace hepar::collective
