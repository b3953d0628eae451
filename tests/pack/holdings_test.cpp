// SPDX-License-Identifier: Apache-2.0
// Of several extractions of a patient the newest holds, whatever the files are called.
#include "data/base/files.hpp"
#include "sharding/pack/holdings.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <fstream>

namespace hepar::pack {

namespace {

class HoldingsOf : public ::testing::Test {
 protected:
  HoldingsOf() {
    std::string name = (fs::temp_directory_path() / "hepar-holdings-XXXXXX").string();
    names_.root = ::mkdtemp(name.data());
    for (const fs::path& folder : {names_.segments(), names_.packed(), names_.features()}) fs::create_directories(folder);
  }
  ~HoldingsOf() override { fs::remove_all(names_.root); }

  // A shard's journal page of one patient, and a file in features/ of the size that it names.
  void pack(const std::string& content, std::int64_t generation, const std::string& result) const {
    PackedShard shard{content, generation, {}, {}};
    shard.entry.file = content + ".h5";
    shard.entry.bytes = 1;
    std::ofstream(names_.shard(shard.entry.file)) << "x";
    shard.patients["P1"] = {"fingerprint", result, {1}, {}, {}, shard.entry.file, 0, {}};
    publish_packed(names_, shard);
  }
  void extract(std::int64_t generation, std::byte value) const {
    extract::Extracted extracted;
    extracted.features.key = "P1";
    Feature feature;
    feature.reason = Reason::present;
    feature.items = 1;
    feature.values = {value};
    extracted.features.features = {feature};
    (void)extract::SegmentWriter(names_.segments(), generation, 0).append(extracted, "fingerprint");
  }
  [[nodiscard]] Found found() const { return find_holdings(names_, read_packed(names_)); }

  store::Names names_;
};

}  // namespace

TEST_F(HoldingsOf, TheNewerShardWinsWhateverItsContentIsCalled) {
  pack("a", 2, "new");
  pack("b", 1, "old");
  EXPECT_EQ(found().holdings.at("P1").result, "new");
  pack("a", 1, "old");
  pack("b", 2, "new");
  EXPECT_EQ(found().holdings.at("P1").result, "new");
  EXPECT_EQ(found().generation, 2);
}

TEST_F(HoldingsOf, ASegmentOfAnEarlierRunDoesNotUndoAShard) {
  extract(1, std::byte{1});
  pack("a", 2, "packed");
  EXPECT_EQ(found().holdings.at("P1").result, "packed");
  extract(3, std::byte{2});
  EXPECT_NE(found().holdings.at("P1").result, "packed");
  EXPECT_EQ(found().generation, 3);
}

TEST_F(HoldingsOf, TravelAsText) {
  extract(7, std::byte{1});
  const Holdings there = holdings_from(to_text(found().holdings));
  EXPECT_EQ(extract::load(names_.segments(), there.at("P1").record).features.features.at(0).values.at(0), std::byte{1});
}

TEST_F(HoldingsOf, AJournalThatCannotBeListedIsAnError) {
  fs::remove_all(names_.packed());
  std::ofstream(names_.packed()) << "x";
  EXPECT_THROW((void)read_packed(names_), Error);
}

}  // namespace hepar::pack
