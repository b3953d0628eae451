// SPDX-License-Identifier: Apache-2.0
// The journal: whatever a kill or a broken disk leaves of a segment, its whole records are used and nothing else.
#include "data/base/files.hpp"
#include "data/base/random.hpp"
#include "sharding/extract/journal.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <fstream>

namespace hepar::extract {

namespace {

class Journal : public ::testing::Test {
 protected:
  Journal() {
    std::string name = (fs::temp_directory_path() / "hepar-journal-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Journal() override { fs::remove_all(folder_); }

  static Extracted patient(int i) {
    Extracted extracted;
    extracted.features.key = "P" + std::to_string(i);
    Feature bag;
    bag.reason = Reason::present;
    bag.items = 2 + i;
    for (int b = 0; b < (2 + i) * 8; ++b) bag.values.push_back(static_cast<std::byte>(i + b));
    bag.coords.assign(static_cast<std::size_t>(2 + i), {0, i, 1});
    Feature absent;
    absent.reason = Reason::unreadable;
    absent.detail = "slide 1: no data set 'features'";
    extracted.features.features = {bag, absent};
    extracted.features.facts["slide.readable"] = {Fact::State::known, "true", "extraction", 1};
    extracted.failures.push_back({extracted.features.key, "ct", absent.detail, "unreadable"});
    extracted.previews = {{"P-slide-1.jpg", std::string("\xff\xd8\0picture", 10)}, {"P-ct.jpg", std::string(static_cast<std::size_t>(i), 'x')}};
    return extracted;
  }
  fs::path segment() const { return fs::directory_iterator(folder_)->path(); }
  std::map<std::string, Record> write(int n, const std::string& fingerprint = "f", std::int64_t generation = 1, int rank = 0) const {
    SegmentWriter writer(folder_, generation, rank);
    std::map<std::string, Record> written;
    for (int i = 0; i < n; ++i) written["P" + std::to_string(i)] = writer.append(patient(i), fingerprint);
    writer.flush();
    return written;
  }

  fs::path folder_;
};

}  // namespace

TEST_F(Journal, GivesBackWhatWasWritten) {
  write(5);
  const auto records = scan_segments(folder_);
  ASSERT_EQ(records.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    const Extracted want = patient(i), got = load(folder_, records.at("P" + std::to_string(i)));
    EXPECT_EQ(got.features.key, want.features.key);
    ASSERT_EQ(got.features.features.size(), 2u);
    EXPECT_EQ(got.features.features[0].values, want.features.features[0].values);
    EXPECT_EQ(got.features.features[0].coords, want.features.features[0].coords);
    EXPECT_EQ(got.features.features[1].reason, Reason::unreadable);
    EXPECT_EQ(got.features.facts.at("slide.readable").text, "true");
    EXPECT_EQ(got.failures.at(0).source, want.failures[0].source);
    ASSERT_EQ(got.previews.size(), 2u);
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(got.previews[k].name, want.previews[k].name);
      EXPECT_EQ(got.previews[k].jpeg, want.previews[k].jpeg);
      EXPECT_EQ(records.at(got.features.key).previews.at(k), want.previews[k].name);
    }
  }
}

TEST_F(Journal, ACutAtAnyByteLosesOnlyTheRecordsBehindIt) {
  write(4);
  const std::string bytes = read_file(segment());
  const auto whole = scan_segments(folder_);
  std::vector<std::uint64_t> ends;
  for (const auto& [key, record] : whole) ends.push_back(record.at + record.bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 7) {
    fs::resize_file(segment(), cut);
    const auto expected = std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end <= cut; });
    EXPECT_EQ(scan_segments(folder_).size(), static_cast<std::size_t>(expected)) << cut;
    std::ofstream(segment(), std::ios::binary) << bytes;
  }
}

TEST_F(Journal, AFlippedByteNeverGivesAWrongRecord) {
  write(3);
  const std::string bytes = read_file(segment());
  const auto whole = scan_segments(folder_);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    std::ofstream(segment(), std::ios::binary) << damaged;
    for (const auto& [key, record] : scan_segments(folder_)) {
      ASSERT_TRUE(whole.contains(key)) << at;
      EXPECT_EQ(record.result, whole.at(key).result) << at;
      EXPECT_TRUE(at < record.at - 24 || at >= record.at + record.bytes) << at;
    }
  }
}

TEST_F(Journal, TellsWhileWritingWhatAScanFinds) {
  const auto written = write(4);
  const auto scanned = scan_segments(folder_);
  ASSERT_EQ(written.size(), scanned.size());
  for (const auto& [key, record] : scanned) {
    const Record& told = written.at(key);
    EXPECT_EQ(std::tie(told.segment, told.generation, told.at, told.bytes, told.xxh3, told.fingerprint, told.result, told.items),
              std::tie(record.segment, record.generation, record.at, record.bytes, record.xxh3, record.fingerprint, record.result, record.items));
    EXPECT_EQ(load(folder_, told).features.key, key);
  }
}

TEST_F(Journal, APartThatWasDamagedAfterwardsIsRefused) {
  const auto written = write(2);
  const Record& record = written.at("P1");
  std::string bytes = read_file(folder_ / record.segment);
  for (std::uint64_t at = record.at; at < record.at + record.bytes; ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(folder_ / record.segment, std::ios::binary) << damaged;
    EXPECT_THROW((void)load(folder_, record), Error) << at;
    EXPECT_EQ(load(folder_, written.at("P0")).features.key, "P0");
  }
}

TEST_F(Journal, AFolderThatCannotBeListedIsAnError) {
  EXPECT_TRUE(scan_segments(folder_ / "absent").empty());
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THROW((void)scan_segments(folder_ / "file"), Error);
}

TEST_F(Journal, TheHigherGenerationWinsWhateverTheOrderOfNames) {
  write(3, "old", 9, 7);
  write(2, "new", 10, 0);  // "…10-rank-0" and "…9-rank-7", and a clock that was set back
  EXPECT_EQ(scan_segments(folder_).at("P0").fingerprint, "new");
  write(1, "newest", 123456789, 0);
  EXPECT_EQ(scan_segments(folder_).at("P0").fingerprint, "newest");
}

TEST_F(Journal, TheNewerSegmentWins) {
  write(3, "old", 1);
  write(2, "new", 2);
  const auto records = scan_segments(folder_);
  EXPECT_EQ(records.at("P0").fingerprint, "new");
  EXPECT_EQ(records.at("P1").fingerprint, "new");
  EXPECT_EQ(records.at("P2").fingerprint, "old");
}

TEST_F(Journal, TheResultDoesNotDependOnTheSources) {
  write(1, "a");
  const std::string first = scan_segments(folder_).at("P0").result;
  write(1, "b", 2);
  EXPECT_EQ(scan_segments(folder_).at("P0").result, first);
}

TEST_F(Journal, TheResultDoesNotDependOnThePictures) {
  write(1);
  const std::string first = scan_segments(folder_).at("P0").result;
  Extracted other = patient(0);
  other.previews[0].jpeg += "another";
  other.previews.pop_back();
  SegmentWriter writer(folder_, 2, 0);
  EXPECT_EQ(writer.append(other, "f").result, first);
}

}  // namespace hepar::extract
