// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/wire.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace hepar::mpi {
namespace {

std::vector<std::string> soon(Wire& wire, std::size_t lines) {
  std::vector<std::string> all;
  for (int turn = 0; turn < 500 && all.size() < lines && wire.open(); ++turn) {
    for (std::string& line : wire.heard()) all.push_back(std::move(line));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return all;
}

struct Pair {
  Listener listener;
  std::optional<Wire> caller = call(listener.addresses(), 5), taken;
  Pair() {
    for (int turn = 0; turn < 500 && !taken; ++turn) {
      taken = listener.taken();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
};

TEST(Wire, LinesArriveWholeAndInOrderBothWays) {
  Pair pair;
  ASSERT_TRUE(pair.caller && pair.taken);
  const std::string long_one(20000, 'x');
  pair.caller->say("first");
  pair.caller->say("");
  pair.caller->say(long_one);
  EXPECT_EQ(soon(*pair.taken, 3), (std::vector<std::string>{"first", "", long_one}));
  pair.taken->say("back");
  EXPECT_EQ(soon(*pair.caller, 1), std::vector<std::string>{"back"});
  EXPECT_TRUE(pair.caller->heard().empty());
}

TEST(Wire, AnEndThatIsGoneIsSeenAfterWhatItHasSaid) {
  Pair pair;
  ASSERT_TRUE(pair.caller && pair.taken);
  pair.caller->say("last");
  pair.caller.reset();
  EXPECT_EQ(soon(*pair.taken, 1), std::vector<std::string>{"last"});
  soon(*pair.taken, 1);
  EXPECT_FALSE(pair.taken->open());
  pair.taken->say("to nobody");  // no signal, no error
}

// A rank that is stopped takes nothing: what is said to it must not block, nor grow for ever.
TEST(Wire, AnEndThatTakesNothingDoesNotBlock) {
  Pair pair;
  ASSERT_TRUE(pair.caller && pair.taken);
  const auto start = std::chrono::steady_clock::now();
  for (int line = 0; line < 20000; ++line) pair.caller->say(std::string(1000, 'x'));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_TRUE(pair.caller->open());
}

TEST(Wire, NobodyAnswersWhereNobodyListens) {
  std::string addresses;
  {
    const Listener closed;
    addresses = closed.addresses();
  }
  EXPECT_NE(addresses.find("127.0.0.1:"), std::string::npos);
  EXPECT_FALSE(call(addresses, 1).has_value());
}

}  // namespace
}  // namespace hepar::mpi
