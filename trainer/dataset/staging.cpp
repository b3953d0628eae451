// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/staging.hpp"

#include "data/base/error.hpp"
#include "data/base/files.hpp"
#include "sharding/store/layout.hpp"
#include "sharding/store/manifest.hpp"
#include "sharding/store/verify.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <vector>

namespace hepar::dataset {
namespace {

constexpr double kRoom = 1.05;                       // of the store's bytes must be free
constexpr std::chrono::milliseconds kLook{500};      // how often others look for the copy

// NFS, Lustre, GPFS, CIFS, SMB2, BeeGFS, Ceph, FUSE: file systems that other nodes use too (statfs(2), linux/magic.h).
bool is_shared(const fs::path& path) {
  constexpr std::array<unsigned long, 8> kShared{0x6969, 0x0BD00BD0, 0x47504653, 0xFF534D42, 0xFE534D42, 0x19830326, 0x00C36400, 0x65735546};
  struct statfs about{};
  return ::statfs(path.c_str(), &about) == 0 && std::find(kShared.begin(), kShared.end(), static_cast<unsigned long>(about.f_type)) != kShared.end();
}

fs::path folder_for(const store::Store& store, const std::string& wish) {
  if (wish == "off") return {};
  if (wish != "auto") return wish;
  if (!is_shared(store.path())) return {};
  for (const char* name : {"SLURM_TMPDIR", "TMPDIR"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0' && !is_shared(value)) return value;
  return {};
}

std::uint64_t bytes_of_store(const store::Manifest& manifest) {
  std::uint64_t bytes = manifest.tables_bytes;
  for (const store::ShardEntry& shard : manifest.shards) bytes += shard.bytes;
  return bytes;
}

}  // namespace

Staging::Staging(const store::Store& store, const std::string& wish, bool first, Say say) : store_(store), current_(&store) {
  const fs::path folder = folder_for(store, wish);
  if (folder.empty()) return;
  thread_ = std::thread([this, folder, first, say = std::move(say)] { serve(folder, first, say); });
}

Staging::~Staging() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

void Staging::serve(const fs::path& folder, bool first, const Say& say) {
  constexpr int kNice = 10;  // computing comes first
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice);
  // Its name holds what it holds: a copy of an earlier training of the same job is taken as it is.
  const fs::path target = folder / ("hepar-" + store_.features_sha256().substr(0, 16) + "-" + store_.tables_sha256().substr(0, 16));
  try {
    std::error_code absent;
    if (first && !fs::exists(target, absent)) copy_into(target);
    while (!ending_ && !fs::exists(target, absent)) std::this_thread::sleep_for(kLook);
    if (ending_) return;
    copy_ = std::make_unique<store::Store>(store::Store::open(target));
    current_.store(copy_.get(), std::memory_order_release);
    if (first) say("the store is read from " + target.string() + " from here on");
  } catch (const std::exception& error) {
    if (first && !ending_) say(std::string("the store is read where it is: ") + error.what());
  }
}

void Staging::copy_into(const fs::path& target) const {
  const store::Names from{store_.path()};
  const store::Manifest manifest = store::read_manifest(store_.path());
  fs::create_directories(target.parent_path());
  const auto bytes = static_cast<double>(bytes_of_store(manifest));
  if (static_cast<double>(fs::space(target.parent_path()).available) < kRoom * bytes)
    throw Error(ExitCode::disk, "no room for its " + std::to_string(static_cast<long long>(bytes * 1e-6)) + " MB", target.parent_path().string());
  const fs::path draft = target.string() + ".tmp." + std::to_string(::getpid());
  struct Cleaner {
    const fs::path& draft;
    ~Cleaner() {
      std::error_code ignored;
      fs::remove_all(draft, ignored);
    }
  } const cleaner{draft};
  const store::Names to{draft};
  fs::create_directories(to.features());
  ::chmod(draft.c_str(), S_IRWXU);  // patients' features are nobody else's
  const auto copy = [&](const fs::path& source, const fs::path& copied) {
    if (ending_) throw Error(ExitCode::stopped, "training is over");
    fs::copy_file(source, copied);
  };
  for (const store::ShardEntry& shard : manifest.shards) copy(from.shard(shard.file), to.shard(shard.file));
  copy(from.tables(), to.tables());
  publish(to.manifest(), store::manifest_text(manifest));
  if (const std::vector<std::string> problems = store::verify_data(draft); !problems.empty()) throw Error(ExitCode::store, "the copy differs: " + problems.front());
  fs::rename(draft, target);
}

}  // namespace hepar::dataset
