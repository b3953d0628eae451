// SPDX-License-Identifier: Apache-2.0
// What goes into a store comes out of it; what was changed on the way is refused, naming the part.
#include "data/base/files.hpp"
#include "sharding/store/layout.hpp"
#include "tests/store/small_store.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

namespace hepar::store {

namespace {

using testing::small_patients;
using testing::SmallPatient;
using testing::TemporaryFolder;
using testing::write_small_store;

constexpr int kPatients = 23;

std::vector<std::byte> whole(const Store& store, int modality, std::int64_t patient) {
  const Layout& layout = store.modalities()[static_cast<std::size_t>(modality)].layout;
  std::vector<std::byte> values(static_cast<std::size_t>(store.items(modality, patient) * layout.values_per_item()) * bytes_of(layout.type));
  store.read(modality, patient, 0, store.items(modality, patient), values);
  return values;
}

void flip_byte(const fs::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

// What `work` throws, as exit code and message.
template <class Work>
std::pair<ExitCode, std::string> error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ExitCode::done, ""};
}

fs::path first_shard(const fs::path& folder) { return Names{folder}.shard(read_manifest(folder).shards.front().file); }

}  // namespace

TEST(Store, GivesBackEveryFeatureOfEveryKind) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const Store store = Store::open(folder.path());
  ASSERT_EQ(store.patients(), kPatients);
  std::uint64_t bytes = 0;
  const std::vector<SmallPatient> expected = small_patients(kPatients);
  for (std::int64_t p = 0; p < kPatients; ++p) {
    const SmallPatient& patient = expected[static_cast<std::size_t>(p)];
    for (int slot = 0; slot < 3; ++slot) {
      const int modality = slot + 1;
      const Feature& feature = patient.features[static_cast<std::size_t>(slot)];
      EXPECT_EQ(store.reason(modality, p), feature.reason);
      EXPECT_EQ(store.items(modality, p), feature.items);
      EXPECT_EQ(whole(store, modality, p), feature.values);
      bytes += feature.values.size();
    }
    EXPECT_EQ(store.coords(1, p), patient.features[0].coords);
    const std::vector<std::uint8_t> phases = patient.features[1].present() ? patient.features[1].phase_present : std::vector<std::uint8_t>{0, 0};
    EXPECT_EQ(store.phase_present(2, p), phases);
    const Facts facts = store.facts(p);
    ASSERT_EQ(facts.size(), patient.facts.size());
    for (const auto& [name, fact] : patient.facts) {
      EXPECT_EQ(facts.at(name).text, fact.text);
      EXPECT_EQ(facts.at(name).state, fact.state);
      EXPECT_EQ(facts.at(name).source, fact.source);
      EXPECT_EQ(facts.at(name).confidence, fact.confidence);
    }
  }
  EXPECT_EQ(store.bytes_read(), bytes);
}

TEST(Store, ReadsAPartOfABag) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const Store store = Store::open(folder.path());
  const std::vector<std::byte> all = whole(store, 1, 8);
  ASSERT_EQ(store.items(1, 8), 9);
  std::vector<std::byte> part(3 * testing::kWidth * 2);
  store.read(1, 8, 4, 3, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 4 * testing::kWidth * 2));
  EXPECT_EQ(error_of([&] { store.read(1, 8, 7, 3, part); }).first, ExitCode::bug);
}

TEST(Store, GivesBackTheTables) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 100);
  const Store store = Store::open(folder.path());
  ASSERT_EQ(store.columns().size(), 2u);
  EXPECT_EQ(store.columns()[1].values, (std::vector<std::string>{"M0", "M1", "M2"}));
  EXPECT_EQ(store.columns()[1].known.day, KnownAt::kPostOp);
  EXPECT_TRUE(store.columns()[0].log1p && store.columns()[0].keep_limits);
  EXPECT_EQ(store.columns()[0].low, 0);
  EXPECT_TRUE(std::isinf(store.columns()[0].high));
  EXPECT_EQ(store.rules()[1].id, "mvi/any");
  EXPECT_EQ(store.rules()[1].stage, Stage::analysis);
  EXPECT_EQ(store.strategies().arms, (std::vector<std::string>{"surgery", "tace"}));
  EXPECT_TRUE(store.has_histories());
  EXPECT_EQ(store.endpoints().at(0).horizon_months, 36);
  const std::vector<SmallPatient> expected = small_patients(kPatients);
  for (std::int64_t p = 0; p < kPatients; ++p) {
    const PatientRow& row = store.row(p);
    const PatientRow& want = expected[static_cast<std::size_t>(p)].row;
    EXPECT_EQ(row.key, want.key);
    EXPECT_EQ(row.centre, want.centre);
    for (std::size_t c = 0; c < 2; ++c) {
      EXPECT_EQ(row.cells[c].state, want.cells[c].state);
      EXPECT_TRUE(row.cells[c].value == want.cells[c].value || (std::isnan(row.cells[c].value) && std::isnan(want.cells[c].value)));
    }
    EXPECT_EQ(row.verdict.eligible(), want.verdict.eligible());
    EXPECT_EQ(row.verdict.rules[1].truth, Truth::unknown);
    EXPECT_EQ(row.assignment.arm, want.assignment.arm);
    EXPECT_EQ(row.assignment.state, want.assignment.state);
    EXPECT_EQ(row.assignment.start_day, want.assignment.start_day);
    EXPECT_EQ(row.history.known, want.history.known);
    EXPECT_EQ(row.history.recurrence, want.history.recurrence);
    EXPECT_EQ(row.history.last_contact, want.history.last_contact);
    EXPECT_EQ(row.outcomes[0].known, want.outcomes[0].known);
    EXPECT_EQ(row.outcomes[0].months, want.outcomes[0].months);
    EXPECT_EQ(row.treatments.size(), want.treatments.size());
    EXPECT_EQ(row.follow_up.last_contact_day, want.follow_up.last_contact_day);
  }
}

TEST(Store, AVectorIsPresentWhenOneOfItsCellsIs) {
  const TemporaryFolder folder;
  std::vector<SmallPatient> patients = small_patients(3);
  patients[1].row.cells = {Cell{}, Cell{}};
  patients[2].row.cells = {Cell{std::nan(""), Cell::State::query}, Cell{}};
  StoreWriter writer(folder.path(), testing::small_modalities(), testing::small_tables());
  for (SmallPatient& patient : patients) writer.add(patient.row, patient.features);
  writer.finish();
  const Store store = Store::open(folder.path());
  EXPECT_EQ(store.reason(0, 0), Reason::present);
  EXPECT_EQ(store.reason(0, 1), Reason::not_recorded);
  EXPECT_EQ(store.reason(0, 2), Reason::query);
  EXPECT_EQ(store.items(0, 1), 0);
}

TEST(Store, EqualContentGivesEqualBytes) {
  const TemporaryFolder folder;
  write_small_store(folder.path() / "a", kPatients, 5);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 time stamps count seconds
  write_small_store(folder.path() / "b", kPatients, 5);
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "a")) {
    if (!entry.is_regular_file()) continue;
    const fs::path name = fs::relative(entry.path(), folder.path() / "a");
    names.insert(name.string());
    EXPECT_EQ(read_file(entry.path()), read_file(folder.path() / "b" / name)) << name;
  }
  EXPECT_EQ(names.size(), 5u + 2u);  // five shards, tables.h5, store.json
}

TEST(Store, ThreadsReadTogether) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const Store store = Store::open(folder.path());
  std::vector<std::vector<std::vector<std::byte>>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen)
    threads.emplace_back([&store, &mine] {
      for (int round = 0; round < 20; ++round) {
        mine.clear();
        for (std::int64_t p = 0; p < kPatients; ++p) mine.push_back(whole(store, 1, p));
        (void)store.facts(round % kPatients);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : seen) EXPECT_EQ(mine, seen[0]);
}

TEST(Store, OneFlippedByteIsFoundByReadingAndByVerify) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  EXPECT_TRUE(verify(folder.path()).empty());
  const Manifest manifest = read_manifest(folder.path());
  flip_byte(first_shard(folder.path()), manifest.shards[0].data_sets.at("/slide/values") + 3);
  const Store store = Store::open(folder.path());
  const auto [code, message] = error_of([&] { (void)whole(store, 1, 0); });
  EXPECT_EQ(code, ExitCode::store);
  EXPECT_NE(message.find("/slide/values"), std::string::npos) << message;
  EXPECT_NE(message.find("患者-1000"), std::string::npos) << message;
  EXPECT_EQ(error_of([&] { (void)whole(store, 1, 1); }).first, ExitCode::done);
  const std::vector<std::string> problems = verify(folder.path());
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find(manifest.shards[0].file), std::string::npos) << problems[0];
  EXPECT_NE(problems[0].find("/slide/values"), std::string::npos) << problems[0];
}

TEST(Store, AFlippedByteIsFoundThoughOnlyAnotherPartIsRead) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  constexpr int kSlide = 1;
  std::int64_t patient = 0, before = 0, items = 0;
  std::size_t width = 0;
  {
    const Store store = Store::open(folder.path());
    ASSERT_EQ(store.modality("slide"), kSlide);
    const Layout& layout = store.modalities()[kSlide].layout;
    width = static_cast<std::size_t>(layout.values_per_item()) * bytes_of(layout.type);
    while ((items = store.items(kSlide, patient)) < 2) before += store.items(kSlide, patient++);
  }
  const std::uint64_t values_at = read_manifest(folder.path()).shards[0].data_sets.at("/slide/values");
  flip_byte(first_shard(folder.path()), values_at + static_cast<std::uint64_t>(before + items) * width - 1);  // of the last tile
  const Store store = Store::open(folder.path());
  std::vector<std::byte> first(width);
  EXPECT_EQ(error_of([&] { store.read(kSlide, patient, 0, 1, first); }).first, ExitCode::store);
}

TEST(Store, AChangedStoreJsonIsRefused) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), 3, 5);
  const fs::path path = Names{folder.path()}.manifest();
  std::string text = read_file(path);
  const std::size_t at = text.find("\"known_day\": ") + 13;
  text[at] = text[at] == '7' ? '8' : '7';
  publish(path, text);
  const auto [code, message] = error_of([&] { (void)Store::open(folder.path()); });
  EXPECT_EQ(code, ExitCode::store);
  EXPECT_NE(message.find("store.json: its content is not what was written"), std::string::npos) << message;
}

TEST(Store, AFlippedByteOfTheTablesIsRefusedAtOpen) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  flip_byte(Names{folder.path()}.tables(), fs::file_size(Names{folder.path()}.tables()) / 2);
  const auto [code, message] = error_of([&] { (void)Store::open(folder.path()); });
  EXPECT_EQ(code, ExitCode::store);
  EXPECT_NE(message.find("tables.h5"), std::string::npos) << message;
}

TEST(Store, AnyFlippedByteOfAShardIsFoundByVerify) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 100);
  const fs::path shard = first_shard(folder.path());
  const std::uint64_t bytes = fs::file_size(shard);
  for (std::uint64_t at = 0; at < bytes; at += bytes / 61) {
    flip_byte(shard, at);
    EXPECT_FALSE(verify(folder.path()).empty()) << at;
    flip_byte(shard, at);
  }
  EXPECT_TRUE(verify(folder.path()).empty());
}

TEST(Store, ATruncatedShardIsNamed) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const fs::path shard = first_shard(folder.path());
  fs::resize_file(shard, fs::file_size(shard) - 1);
  const auto [code, message] = error_of([&] { (void)Store::open(folder.path()); });
  EXPECT_EQ(code, ExitCode::store);
  EXPECT_NE(message.find(shard.filename().string()), std::string::npos) << message;
  fs::remove(shard);
  EXPECT_NE(error_of([&] { (void)Store::open(folder.path()); }).second.find("missing"), std::string::npos);
}

TEST(Store, AnotherSchemaVersionIsNamed) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), 3, 5);
  std::string text = read_file(Names{folder.path()}.manifest());
  text.replace(text.find("hepar-store/1"), 13, "hepar-store/2");
  publish(Names{folder.path()}.manifest(), text);
  const auto [code, message] = error_of([&] { (void)Store::open(folder.path()); });
  EXPECT_EQ(code, ExitCode::store);
  EXPECT_NE(message.find("another schema version: hepar-store/2"), std::string::npos) << message;
  EXPECT_EQ(error_of([&] { (void)Store::open(folder.path() / "absent"); }).first, ExitCode::store);
}

TEST(Store, ValuesAreContiguousAndAligned) {
  const TemporaryFolder folder;
  std::vector<StoredModality> modalities{{"slide", {Kind::bag, DType::float16, {512}, "", ""}, {}, {}}};
  StoreWriter writer(folder.path(), modalities, Tables{});
  Feature feature;
  feature.reason = Reason::present;
  feature.items = 40;
  feature.values.assign(40 * 512 * 2, std::byte{7});
  feature.coords.resize(40);
  PatientRow row;
  row.key = "P1";
  writer.add(row, {feature});
  writer.finish();
  EXPECT_EQ(read_manifest(folder.path()).shards.at(0).data_sets.at("/slide/values") % 4096, 0u);
}

TEST(Store, GivesAFeatureAsItWasWritten) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const Store store = Store::open(folder.path());
  const std::vector<SmallPatient> patients = small_patients(kPatients);
  for (const SmallPatient& patient : patients) {
    std::int64_t p = 0;
    while (store.row(p).key != patient.row.key) ++p;
    for (std::size_t slot = 0; slot < patient.features.size(); ++slot) {
      const Feature& want = patient.features[slot];
      const Feature got = store.feature(static_cast<int>(slot) + 1, p);
      EXPECT_EQ(got.reason, want.reason);
      EXPECT_EQ(got.items, want.items);
      EXPECT_EQ(got.values, want.values);
      EXPECT_EQ(got.coords, want.coords);
      EXPECT_TRUE(store.modalities()[slot + 1].layout.kind != Kind::volume || got.affine == want.affine);
    }
  }
}

TEST(Store, TablesAndStoreJsonChangeAsOne) {
  const TemporaryFolder folder;
  write_small_store(folder.path(), kPatients, 5);
  const Names names{folder.path()};
  const std::string old_hash = Store::open(folder.path()).tables_sha256();
  Tables tables = read_tables(names.tables());
  tables.rows.at(0).centre = "another";
  const std::string image = tables_image(tables), old_image = read_file(names.tables());
  Manifest manifest = read_manifest(folder.path());
  complete_manifest(manifest, tables, image);
  // Cut off after each step of publish_tables.
  publish(names.next_tables(manifest.tables_sha256), image);
  EXPECT_EQ(Store::open(folder.path()).tables_sha256(), old_hash);
  publish(names.manifest(), manifest_text(manifest));
  EXPECT_EQ(Store::open(folder.path()).row(0).centre, "another");
  EXPECT_TRUE(verify(folder.path()).empty());
  EXPECT_FALSE(is_published(folder.path(), manifest));
  flip_byte(names.next_tables(manifest.tables_sha256), image.size() / 2);
  EXPECT_EQ(error_of([&] { (void)Store::open(folder.path()); }).first, ExitCode::store);
  EXPECT_FALSE(verify(folder.path()).empty());
  publish_tables(folder.path(), manifest, image);
  EXPECT_TRUE(is_published(folder.path(), manifest));
  EXPECT_FALSE(fs::exists(names.next_tables(manifest.tables_sha256)));
  EXPECT_EQ(read_file(names.tables()), image);
  EXPECT_TRUE(verify(folder.path()).empty());
}

TEST(Store, WhatIsOfAnotherShapeIsRefused) {
  const auto refused = [](const auto& change) {
    const TemporaryFolder folder;
    Feature bag;
    bag.reason = Reason::present;
    bag.items = 3;
    bag.values.resize(3 * 8 * 2);
    bag.coords.resize(3);
    std::vector<PatientSize> sizes{{"P1", {3}}};
    change(bag, sizes);
    const std::vector<StoredModality> modalities{{"slide", {Kind::bag, DType::float16, {8}, "", ""}, {}, {}}};
    const auto [code, message] = error_of([&] { write_shard(folder.path() / "shard.h5", modalities, sizes, [&](std::size_t) { return PatientFeatures{"P1", {bag}, {}}; }); });
    EXPECT_TRUE(code == ExitCode::done || message.find("/slide of patient P1 is of another shape") != std::string::npos) << message;
    return code == ExitCode::store;
  };
  EXPECT_FALSE(refused([](Feature&, auto&) {}));
  EXPECT_TRUE(refused([](Feature& bag, auto&) { bag.values.resize(3 * 4 * 2); }));  // narrower tiles: would be read beyond their end
  EXPECT_TRUE(refused([](Feature& bag, auto&) { bag.values.resize(3 * 16 * 2); }));
  EXPECT_TRUE(refused([](Feature& bag, auto&) { bag.coords.resize(2); }));
  EXPECT_TRUE(refused([](Feature&, auto& sizes) { sizes[0].items[0] = 2; }));
  EXPECT_TRUE(refused([](Feature& bag, auto&) { bag.items = 4; }));
}

TEST(Store, AnInterruptedFirstRunSaysHowToGoOn) {
  const TemporaryFolder folder;
  fs::create_directories(Names{folder.path()}.journal());
  EXPECT_NE(error_of([&] { (void)Store::open(folder.path()); }).second.find("run the same 'hepar shard' again"), std::string::npos);
}

}  // namespace hepar::store
