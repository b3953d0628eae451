// SPDX-License-Identifier: Apache-2.0
// Claims of trials: one holder, no lock that outlives it.
#include "data/base/files.hpp"
#include "trainer/sweep/trial_files.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>

namespace hepar::sweep {
namespace {

using Json = nlohmann::ordered_json;

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.root = fs::temp_directory_path() / ("hepar-ledger-" + std::to_string(::getpid()));
    fs::remove_all(folder_.root);
    fs::create_directories(folder_.root);
  }
  void TearDown() override { fs::remove_all(folder_.root); }
  [[nodiscard]] Ledger ledger(const std::string& worker, double seconds = 600) const { return {folder_, std::vector<Settings>(3, Settings{{"train.warmup", "0.1"}}), Holder::here(worker), seconds}; }
  // Claims in another process, which then does as `end` says.
  [[nodiscard]] int in_another_process(const std::function<int()>& work) const {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void rewrite_lease(std::int64_t generation, const std::function<void(Json&)>& change) const {
    Json lease = Json::parse(read_file(folder_.lease(0, generation)));
    change(lease);
    publish(folder_.lease(0, generation), lease.dump());
  }
  SweepFolder folder_;
};

TEST_F(LedgerTest, OnlyOneOfManyClaimsATrial) {
  std::array<int, 2> answers{};
  ASSERT_EQ(::pipe(answers.data()), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 12; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    Ledger mine = ledger("w" + std::to_string(i));
    const auto lease = mine.claim({0, 0});
    if (::write(answers[1], lease ? "1" : "0", 1) != 1) ::_exit(1);
    ::close(answers[1]);
    if (lease) ::pause();  // holds it until it is killed
    ::_exit(0);
  }
  ::close(answers[1]);
  std::string said;
  for (char answer = 0; ::read(answers[0], &answer, 1) == 1;) said += answer;  // until all have said theirs
  ::close(answers[0]);
  Ledger other = ledger("other");
  EXPECT_TRUE(other.facts()[0].held);
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(said.size(), 12u);
  EXPECT_EQ(std::count(said.begin(), said.end(), '1'), 1) << said;
  EXPECT_FALSE(fs::exists(folder_.lease(0, 2)));
  // The dead holder keeps nobody waiting.
  EXPECT_FALSE(other.facts()[0].held);
  EXPECT_TRUE(other.facts()[0].begun);
  EXPECT_TRUE(other.claim({0, 0}) != nullptr);
  EXPECT_TRUE(fs::exists(folder_.lease(0, 2)));
}

TEST_F(LedgerTest, ALeftTrialIsFreeAndAFinishedRungIsAFact) {
  Ledger mine = ledger("a");
  auto lease = mine.claim({0, 0});
  ASSERT_TRUE(lease);
  EXPECT_TRUE(mine.facts()[0].held);
  mine.publish_rung({0, 0}, *lease, {{"score", 0.7}, {"value", 0.7}});
  lease->leave("finished the rung");
  const TrialFacts facts = mine.facts()[0];
  EXPECT_FALSE(facts.held || facts.begun || facts.failed);
  EXPECT_EQ(facts.scores, std::vector<double>{0.7});
  EXPECT_FALSE(mine.claim({0, 0})) << "that rung is done";
  EXPECT_TRUE(mine.claim({0, 1}));
}

TEST_F(LedgerTest, AnotherNodesHolderIsDeadAfterItsLease) {
  Ledger mine = ledger("a");
  (void)in_another_process([&] { return ledger("b").claim({0, 0}) ? 0 : 1; });
  rewrite_lease(1, [](Json& lease) { lease["host"] = "elsewhere"; });
  EXPECT_TRUE(mine.facts()[0].held) << "its processes cannot be seen from here";
  const timespec long_ago[2] = {{::time(nullptr) - 700, 0}, {::time(nullptr) - 700, 0}};
  ::utimensat(AT_FDCWD, folder_.lease(0, 1).c_str(), long_ago, 0);
  EXPECT_FALSE(mine.facts()[0].held);
}

TEST_F(LedgerTest, AJobThatWasStartedAgainTakesUpItsOwnTrial) {
  Ledger before = ledger("a");
  auto lease = before.claim({0, 0});
  rewrite_lease(1, [](Json& text) {
    text["host"] = "elsewhere";
    text["job"] = "12_3";
  });
  ::setenv("SLURM_ARRAY_JOB_ID", "12", 1);
  ::setenv("SLURM_ARRAY_TASK_ID", "3", 1);
  EXPECT_TRUE(ledger("b").facts()[0].held) << "the same start of that job";
  ::setenv("SLURM_RESTART_COUNT", "1", 1);
  EXPECT_FALSE(ledger("c").facts()[0].held);
  for (const char* name : {"SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_RESTART_COUNT"}) ::unsetenv(name);
}

TEST_F(LedgerTest, WhoIsOvertakenWritesNothingMore) {
  Ledger mine = ledger("a");
  auto old = mine.claim({0, 0});
  rewrite_lease(1, [](Json& lease) { lease["process"] = 0x7fffffff; });  // as if dead
  Ledger other = ledger("b");
  auto next = other.claim({0, 0});
  ASSERT_TRUE(next);
  EXPECT_TRUE(old->superseded());
  EXPECT_THROW(mine.publish_rung({0, 0}, *old, {{"score", 0.1}}), Error);
  EXPECT_FALSE(fs::exists(folder_.rung(0, 0)));
  EXPECT_FALSE(next->superseded());
}

TEST_F(LedgerTest, ATrialThatKillsItsWorkersIsGivenUp) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(in_another_process([&] { return ledger("b").claim({0, 0}) ? 0 : 1; }), 0);
  Ledger mine = ledger("a");
  EXPECT_FALSE(mine.claim({0, 0}));
  EXPECT_TRUE(mine.facts()[0].failed);
  EXPECT_NE(mine.failure(0)->find("5 workers died on it"), std::string::npos);
}

TEST_F(LedgerTest, ALeaseIsTouchedWhileItsHolderWorks) {
  Ledger mine = ledger("a", 2);
  auto lease = mine.claim({0, 0});
  const auto first = fs::last_write_time(folder_.lease(0, 1));
  ::usleep(400'000);
  EXPECT_GT(fs::last_write_time(folder_.lease(0, 1)), first);
}

}  // namespace
}  // namespace hepar::sweep
