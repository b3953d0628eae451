// SPDX-License-Identifier: Apache-2.0
// What a run leaves behind of whom it read: counted over runs, whether they ended or were killed.
#include "data/base/files.hpp"
#include "sharding/extract/attempts.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <fstream>

namespace hepar::extract {

namespace {

Extracted found(const std::string& key, const std::vector<Failure>& failures = {}) {
  Extracted extracted;
  extracted.features.key = key;
  extracted.failures = failures;
  return extracted;
}

}  // namespace

TEST(Attempts, AreCountedOverRunsAndKills) {
  std::string name = (fs::temp_directory_path() / "hepar-attempts-XXXXXX").string();
  const fs::path root = ::mkdtemp(name.data()), logs = root / "logs", page = root / "attempts.csv";
  fs::create_directories(logs);
  EXPECT_TRUE(read_attempts(page, logs).empty());
  {
    AttemptLog log(logs, 1, 0);
    log.begin("A/P1");
    log.end(found("A/P1"), 0.5, 1000);
    log.begin("P2, \"odd\"");
    log.end(found("P2, \"odd\"", {{"P2", "ct", "cut", "unreadable"}, {"P2", "slide", "none", "no_scale"}}), 2, 7);
    log.begin("P3");  // and here the process dies
  }
  std::ofstream(fs::directory_iterator(logs)->path(), std::ios::app) << "begin,P4";
  const AttemptsByKey killed = read_attempts(page, logs);
  ASSERT_EQ(killed.size(), 3u) << "half a line says nothing";
  EXPECT_EQ(killed.at("A/P1").result, "complete");
  EXPECT_EQ(killed.at("A/P1").bytes, 1000);
  EXPECT_EQ(killed.at("P2, \"odd\"").result, "ct: unreadable; slide: no_scale");
  EXPECT_EQ(killed.at("P3").begun, 1);
  EXPECT_EQ(killed.at("P3").ended, 0);
  publish(page, attempts_page(killed));
  fs::remove(fs::directory_iterator(logs)->path());
  {
    AttemptLog log(logs, 2, 1);
    log.begin("P3");
    log.end(found("P3"), 0.25, 3);
  }
  const AttemptsByKey after = read_attempts(page, logs);
  EXPECT_EQ(after.at("P3").begun, 2);
  EXPECT_EQ(after.at("P3").ended, 1);
  EXPECT_EQ(after.at("P3").seconds, 0.25);
  EXPECT_EQ(after.at("A/P1").begun, 1);
  fs::remove_all(root);
}

}  // namespace hepar::extract
