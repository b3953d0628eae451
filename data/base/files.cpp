// SPDX-License-Identifier: Apache-2.0
#include "data/base/files.hpp"

#include "data/base/durable.hpp"
#include "data/base/error.hpp"
#include "data/base/special.hpp"

#include <openssl/evp.h>
#include <xxhash.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

namespace hepar {

namespace {

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode = 0) : value_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] bool good() const { return value_ >= 0; }
  [[nodiscard]] int get() const { return value_; }
  // Errors of delayed writes appear at close on network file systems.
  [[nodiscard]] int close() { return ::close(std::exchange(value_, -1)); }

 private:
  int value_;
};

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

constexpr std::string_view kMark = ".tmp.";

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// For tests/chaos, which ends commands in every window of law 3. Called just before what makes a file durable:
// HEPAR_KILL_LOG=FILE gets a line a call (temporary names without their ends), HEPAR_KILL_AT=LINE ends the process by SIGKILL at
// the first such line.
void durable_step(std::string_view what, const fs::path& path) {
  static const char* const log = std::getenv("HEPAR_KILL_LOG");
  static const char* const at = std::getenv("HEPAR_KILL_AT");
  if (log == nullptr && at == nullptr) return;
  std::string line = std::string(what) + " " + path.string();
  for (std::size_t mark = line.find(kMark); mark != std::string::npos; mark = line.find(kMark)) line.erase(mark, line.find('/', mark) - mark);
  if (log != nullptr) std::ofstream(log, std::ios::app) << line + "\n";
  if (at != nullptr && line == at) ::kill(::getpid(), SIGKILL);
}

void sync_file(const fs::path& path) {
  Descriptor file(path, O_RDONLY);
  if (!file.good() || ::fsync(file.get()) != 0 || file.close() != 0) throw disk_error("cannot write to disk", {path.string()});
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw disk_error("cannot write", {path.string()});
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A link to nothing, of a folder and those above it; empty: none.
fs::path dangling_link(const fs::path& folder) {
  std::error_code ignored;
  for (fs::path path = fs::absolute(folder); path.has_relative_path(); path = path.parent_path())
    if (fs::is_symlink(path, ignored) && !fs::exists(path, ignored)) return path;
  return {};
}

}  // namespace

Publication::Publication(fs::path final_path)
    : final_(std::move(final_path)),
      temporary_(final_.string() + std::string(kMark) + host_name() + "." + std::to_string(::getpid())) {}

Publication::~Publication() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void Publication::commit() {
  durable_step("fsync", final_);
  sync_file(temporary_);
  durable_step("rename", final_);
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) throw disk_error("cannot put the finished file in place", {final_.string()});
  committed_ = true;
  sync_folder(folder_of(final_));
}

void put_in_place(const fs::path& finished, const fs::path& final_path) {
  durable_step("rename", final_path);
  if (::rename(finished.c_str(), final_path.c_str()) != 0) throw disk_error("cannot put the finished file in place", {final_path.string()});
  sync_folder(folder_of(final_path));
}

void publish(const fs::path& path, std::string_view bytes) {
  Publication publication(path);
  {
    Descriptor file(publication.temporary(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!file.good()) throw disk_error("cannot create", {path.string()});
    durable_step("write", path);
    write_all(file.get(), bytes, path);
    if (file.close() != 0) throw disk_error("cannot write", {path.string()});
  }
  publication.commit();
}

void publish_folder(const fs::path& temporary, const fs::path& final_path) {
  durable_step("syncfs", final_path);
  Descriptor folder(temporary, O_RDONLY | O_DIRECTORY);
  if (!folder.good() || ::syncfs(folder.get()) != 0) throw disk_error("cannot write to disk", {temporary.string()});
  std::error_code ignored;
  if (fs::exists(final_path, ignored)) throw Error(ExitCode::disk, "exists already", final_path.string(), "move it away and run the same command again");
  durable_step("rename", final_path);
  if (::rename(temporary.c_str(), final_path.c_str()) != 0)
    throw disk_error("cannot put the finished folder in place", {final_path.string()});
  sync_folder(folder_of(final_path));
}

void make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!failed) return;
  if (const fs::path link = dangling_link(folder); !link.empty())
    throw Error(ExitCode::disk, "is a link to " + fs::read_symlink(link).string() + ", which is not there", link.string(), "make that folder, or remove the link");
  errno = failed.value();
  throw disk_error("cannot create the folder", {folder.string()});
}

void move_aside(const fs::path& folder) {
  std::error_code failed;
  if (!fs::exists(folder, failed)) return;
  const std::string name = (folder.has_filename() ? folder : folder.parent_path()).string();  // "run/" is "run"
  int n = 1;
  while (fs::exists(name + ".old-" + std::to_string(n))) ++n;
  fs::rename(name, name + ".old-" + std::to_string(n), failed);
  if (!failed) return;
  errno = failed.value();
  throw disk_error("cannot move the old folder aside", {folder.string()});
}

void sync_folder(const fs::path& folder) {
  durable_step("fsync folder", folder);
  Descriptor handle(folder, O_RDONLY | O_DIRECTORY);
  if (!handle.good()) throw disk_error("cannot open the folder", {folder.string()});
  // Some network file systems have no fsync for folders and say EINVAL: their rename is durable by itself.
  if (::fsync(handle.get()) != 0 && errno != EINVAL) throw disk_error("cannot write the folder to disk", {folder.string()});
}

namespace {

constexpr std::chrono::hours kForeignAge{24};

fs::file_time_type::duration age_of(const fs::path& entry) {
  std::error_code gone;
  const fs::file_time_type written = fs::last_write_time(entry, gone);
  return gone ? fs::file_time_type::duration::zero() : fs::file_time_type::clock::now() - written;
}

}  // namespace

void remove_stale_temporaries(const fs::path& folder) {
  const std::string here = host_name();
  for (const fs::path& entry : entries_of(folder)) {
    const std::string name = entry.filename().string();
    const std::size_t mark = name.rfind(kMark);
    const std::size_t dot = name.rfind('.');
    if (mark == std::string::npos || dot < mark + kMark.size()) continue;
    const std::string host = name.substr(mark + kMark.size(), dot - mark - kMark.size());
    const long pid = std::strtol(name.c_str() + dot + 1, nullptr, 10);
    // A writer on another host cannot be asked; one that has not touched its file for a day is taken for dead.
    const bool alive = host == here ? pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM) : age_of(entry) < kForeignAge;
    std::error_code ignored;
    if (!alive) fs::remove_all(entry, ignored);
  }
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code failed;
  if (fs::status(folder, failed).type() == fs::file_type::not_found) return entries;  // also below what is no folder
  fs::directory_iterator entry(folder, failed);
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) entries.push_back(entry->path());
  if (failed) {
    errno = failed.value();
    throw disk_error("cannot list the folder", {folder.string()});
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_special(const fs::path& path) {
  std::error_code ignored;
  return fs::is_other(fs::status(path, ignored));
}

std::string read_file(const fs::path& path) {
  std::error_code ignored;
  if (is_special(path)) throw input_error("is a pipe or device, not a file", {path.string()}, "give a file");
  if (fs::is_directory(path, ignored)) throw input_error("is a folder, not a file", {path.string()});
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw input_error(fs::exists(path, ignored) ? "cannot be read" : "does not exist", {path.string()}, "check the path and its permissions");
  std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) throw input_error("cannot be read to its end", {path.string()}, "check the disk");
  return bytes;
}

ReadOnlyFile::ReadOnlyFile(const fs::path& path) : path_(path), descriptor_(is_special(path) ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw store_error(std::string("cannot be opened: ") + std::strerror(errno), {path.string()}, "restore the file or make it again");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

ReadOnlyFile::ReadOnlyFile(ReadOnlyFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

ReadOnlyFile::~ReadOnlyFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ReadOnlyFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw disk_error("cannot be read", {path_.string()});
    if (got == 0) throw store_error("is shorter than its index says", {path_.string()}, "restore the file or make it again");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) != 1)
    throw Error(ExitCode::bug, "SHA-256 cannot be started");
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::update(std::string_view bytes) { EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()); }
void Sha256::update(std::span<const std::byte> bytes) { EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()); }

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest.data(), &length);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256_file(const fs::path& path) {
  const ReadOnlyFile file(path);
  std::vector<std::byte> buffer(1 << 20);
  Sha256 hash;
  for (std::uint64_t at = 0; at < file.size();) {
    const std::span<std::byte> part(buffer.data(), std::min<std::uint64_t>(buffer.size(), file.size() - at));
    file.read_at(at, part);
    hash.update(std::span<const std::byte>(part));
    at += part.size();
  }
  return hash.hex();
}

std::uint64_t xxh3(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace hepar
