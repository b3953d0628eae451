// SPDX-License-Identifier: Apache-2.0
// Law 3 in small: a file is whole or absent.
#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "data/base/special.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hepar {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hepar-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::size_t entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {})); }
  fs::path folder_;
};

ExitCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::done;
}

TEST_F(Files, APublishedFileIsWholeAndAlone) {
  publish(folder_ / "a.txt", "old");
  publish(folder_ / "a.txt", std::string(3 << 20, 'n'));
  EXPECT_EQ(read_file(folder_ / "a.txt"), std::string(3 << 20, 'n'));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, WithoutCommitNothingAppears) {
  publish(folder_ / "a.txt", "old");
  {
    Publication publication(folder_ / "a.txt");
    std::ofstream(publication.temporary()) << "half";
    EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
    EXPECT_EQ(entries(), 2U);
  }
  EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
  EXPECT_EQ(entries(), 1U) << "the half file is tidied away";
}

TEST_F(Files, AFullDiskIsExit74AndLeavesTheOldFile) {
  try {
    publish("/dev/full-is-no-folder/x", "y");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::disk);
  }
  errno = ENOSPC;
  const Error full = disk_error("cannot write", {"shard.h5"});
  EXPECT_EQ(full.code(), ExitCode::disk);
  EXPECT_STREQ(full.what(), "shard.h5: cannot write: No space left on device; free space there (or raise the quota) and run the same command again to continue");
}

TEST_F(Files, AFolderIsPublishedWholeAndNeverOverAnother) {
  fs::create_directory(folder_ / "tmp");
  publish(folder_ / "tmp" / "x", "1");
  publish_folder(folder_ / "tmp", folder_ / "step-1");
  EXPECT_EQ(read_file(folder_ / "step-1" / "x"), "1");
  EXPECT_FALSE(fs::exists(folder_ / "tmp"));
  fs::create_directory(folder_ / "tmp");
  EXPECT_EQ(code_of([&] { publish_folder(folder_ / "tmp", folder_ / "step-1"); }), ExitCode::disk);
  EXPECT_EQ(read_file(folder_ / "step-1" / "x"), "1");
}

TEST_F(Files, AnOldFolderIsMovedAsideUnderTheNextFreeNameHoweverItIsTyped) {
  for (const char* typed : {"run", "run/"}) {
    fs::create_directory(folder_ / "run");
    move_aside(folder_ / typed);
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  }
  EXPECT_TRUE(fs::exists(folder_ / "run.old-1") && fs::exists(folder_ / "run.old-2"));
  EXPECT_NO_THROW(move_aside(folder_ / "run")) << "there is nothing to move";
}

TEST_F(Files, LeftoversOfDeadWritersGoAndThoseOfLivingOnesStay) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const fs::path mine = Publication(folder_ / "m").temporary();
  std::string host = mine.filename().string().substr(6);
  host.resize(host.rfind('.'));
  for (const std::string& name : {std::string("keep.txt"), "dead.tmp." + host + "." + std::to_string(child), mine.filename().string()}) std::ofstream(folder_ / name) << "x";
  const fs::path fresh = folder_ / "fresh.tmp.another-host.1", old = folder_ / "old.tmp.another-host.1";
  for (const fs::path& foreign : {fresh, old}) std::ofstream(foreign) << "x";
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(25));
  remove_stale_temporaries(folder_);
  EXPECT_TRUE(fs::exists(fresh)) << "its writer may live: another host's processes cannot be seen";
  EXPECT_FALSE(fs::exists(old));
  fs::remove(fresh);
  EXPECT_TRUE(fs::exists(folder_ / "keep.txt"));
  EXPECT_TRUE(fs::exists(mine)) << "this process lives";
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Files, ReadingSaysWhatIsWrong) {
  EXPECT_EQ(code_of([&] { (void)read_file(folder_ / "absent"); }), ExitCode::input);
  EXPECT_EQ(code_of([&] { (void)read_file(folder_); }), ExitCode::input);
  EXPECT_EQ(code_of([&] { ReadOnlyFile file(folder_ / "absent"); }), ExitCode::store);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(is_special(folder_ / "pipe") && is_special("/dev/null"));
  EXPECT_FALSE(is_special(folder_) || is_special(folder_ / "absent"));
  EXPECT_EQ(code_of([&] { (void)read_file(folder_ / "pipe"); }), ExitCode::input) << "nobody waits for a writer";
  EXPECT_EQ(code_of([&] { ReadOnlyFile file(folder_ / "pipe"); }), ExitCode::store);
  publish(folder_ / "a", "0123456789");
  const ReadOnlyFile file(folder_ / "a");
  EXPECT_EQ(file.size(), 10U);
  std::vector<std::byte> out(4);
  file.read_at(6, out);
  EXPECT_EQ(static_cast<char>(out[3]), '9');
  EXPECT_EQ(code_of([&] { file.read_at(7, out); }), ExitCode::store) << "shorter than asked";
}

TEST_F(Files, ReadAtServesThreadsAtOnce) {
  std::string bytes(1 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  publish(folder_ / "a", bytes);
  const ReadOnlyFile file(folder_ / "a");
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::vector<std::byte> out(1000);
        for (std::size_t at = t; at + out.size() < bytes.size(); at += 7919) {
          file.read_at(at, out);
          wrong += std::equal(out.begin(), out.end(), reinterpret_cast<const std::byte*>(bytes.data()) + at) ? 0 : 1;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
}

// FIPS 180-2 appendix B and the empty message; XXH3 of the reference implementation's sanity table (empty input).
TEST_F(Files, HashesArePublishedOnes) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1000000, 'a');
  publish(folder_ / "m", million);
  EXPECT_EQ(sha256_file(folder_ / "m"), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  Sha256 parts;
  for (int i = 0; i < 10; ++i) parts.update(std::string_view(million).substr(0, 100000));
  EXPECT_EQ(parts.hex(), sha256(million));
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2ULL);
}

}  // namespace
}  // namespace hepar
