// SPDX-License-Identifier: Apache-2.0
#include "sharding/extract/journal.hpp"

#include "data/base/files.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace hepar::extract {

namespace {

constexpr std::uint64_t kMagic = 0x3247455352504548ULL;  // "HEPRSEG2"
constexpr double kFlushSeconds = 5;

struct Header {
  std::uint64_t magic = kMagic, bytes = 0, xxh3 = 0;
};

double now_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Values one after another, each with its length: the payload never leaves this machine's byte order.
class Packer {
 public:
  void raw(const void* data, std::size_t bytes) { out.append(static_cast<const char*>(data), bytes); }
  template <class T>
  void value(const T& v) { raw(&v, sizeof v); }
  void text(const std::string& v) {
    value(static_cast<std::uint64_t>(v.size()));
    out += v;
  }
  template <class T>
  void list(const std::vector<T>& v) {
    value(static_cast<std::uint64_t>(v.size()));
    raw(v.data(), v.size() * sizeof(T));
  }
  std::string out;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : bytes_(bytes) {}
  void raw(void* data, std::size_t n) {
    if (n > bytes_.size()) throw store_error("a record of the extraction journal is cut", {}, "remove the journal folder and run again");
    std::memcpy(data, bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
  }
  template <class T>
  T value() {
    T v;
    raw(&v, sizeof v);
    return v;
  }
  std::string text() {
    std::string v(static_cast<std::size_t>(count(1)), '\0');
    raw(v.data(), v.size());
    return v;
  }
  std::span<const std::byte> part() {
    const auto bytes = static_cast<std::size_t>(count(1));
    const std::span<const std::byte> found = bytes_.first(bytes);
    bytes_ = bytes_.subspan(bytes);
    return found;
  }
  template <class T>
  std::vector<T> list() {
    std::vector<T> v(static_cast<std::size_t>(count(sizeof(T))));
    raw(v.data(), v.size() * sizeof(T));
    return v;
  }

 private:
  std::uint64_t count(std::size_t each) {
    const auto n = value<std::uint64_t>();
    if (n > bytes_.size() / each) throw store_error("a record of the extraction journal is cut", {}, "remove the journal folder and run again");
    return n;
  }
  std::span<const std::byte> bytes_;
};

// Features, facts and failures: what a shard is made of.
std::string pack_result(const Extracted& extracted) {
  Packer packer;
  std::vector<std::int64_t> items;
  std::vector<std::uint8_t> reasons;
  for (const Feature& feature : extracted.features.features) {
    items.push_back(feature.items);
    reasons.push_back(static_cast<std::uint8_t>(feature.reason));
  }
  packer.list(items);
  packer.list(reasons);
  packer.value(static_cast<std::uint64_t>(extracted.failures.size()));
  for (const Failure& failure : extracted.failures)
    for (const std::string* text : {&failure.modality, &failure.source, &failure.reason}) packer.text(*text);
  for (const Feature& feature : extracted.features.features) {
    packer.text(feature.detail);
    packer.list(feature.values);
    packer.list(feature.coords);
    packer.value(feature.affine);
    packer.list(feature.phase_present);
  }
  packer.value(static_cast<std::uint64_t>(extracted.features.facts.size()));
  for (const auto& [name, fact] : extracted.features.facts) {
    packer.text(name);
    packer.value(fact.state);
    packer.text(fact.text);
    packer.text(fact.source);
    packer.value(fact.confidence);
  }
  return std::move(packer.out);
}

std::string pack(const Extracted& extracted, const std::string& fingerprint) {
  Packer packer;
  packer.text(extracted.features.key);
  packer.text(fingerprint);
  packer.value(static_cast<std::uint64_t>(extracted.previews.size()));
  for (const Preview& preview : extracted.previews) packer.text(preview.name);
  packer.text(pack_result(extracted));
  for (const Preview& preview : extracted.previews) packer.text(preview.jpeg);
  return std::move(packer.out);
}

std::vector<std::string> read_texts(Unpacker& unpacker) {
  std::vector<std::string> texts;
  for (auto n = unpacker.value<std::uint64_t>(); n > 0; --n) texts.push_back(unpacker.text());
  return texts;
}

std::vector<Failure> read_failures(Unpacker& unpacker, const std::string& key) {
  std::vector<Failure> failures;
  for (auto n = unpacker.value<std::uint64_t>(); n > 0; --n) {
    Failure failure{key, {}, {}, {}};
    for (std::string* text : {&failure.modality, &failure.source, &failure.reason}) *text = unpacker.text();
    failures.push_back(std::move(failure));
  }
  return failures;
}

// A record's index from its payload.
std::pair<std::string, Record> index_of(std::span<const std::byte> payload) {
  Unpacker unpacker(payload);
  std::pair<std::string, Record> found{unpacker.text(), {}};
  Record& record = found.second;
  record.bytes = payload.size();
  record.fingerprint = unpacker.text();
  record.previews = read_texts(unpacker);
  const std::span<const std::byte> result = unpacker.part();
  record.result = fmt::format("{:016x}", xxh3(result));
  Unpacker part(result);
  record.items = part.list<std::int64_t>();
  (void)part.list<std::uint8_t>();  // reasons
  record.failures = read_failures(part, found.first);
  return found;
}

// A segment's name begins with its generation; 0: it is none of ours.
std::int64_t generation_of(const fs::path& segment) { return std::strtoll(segment.filename().c_str(), nullptr, 10); }

void scan_segment(const fs::path& path, std::map<std::string, Record>& records) {
  const ReadOnlyFile file(path);
  std::vector<std::byte> payload;
  for (std::uint64_t at = 0; at + sizeof(Header) <= file.size();) {
    Header header;
    file.read_at(at, std::as_writable_bytes(std::span(&header, 1)));
    at += sizeof header;
    if (header.magic != kMagic || header.bytes > file.size() - at) return;
    payload.resize(header.bytes);
    file.read_at(at, payload);
    if (xxh3(payload) != header.xxh3) return;
    auto [key, record] = index_of(payload);
    record.segment = path.filename().string();
    record.generation = generation_of(path);
    record.at = at;
    record.xxh3 = header.xxh3;
    Record& newest = records[key];
    if (record.generation >= newest.generation) newest = std::move(record);
    at += header.bytes;
  }
}

}  // namespace

SegmentWriter::SegmentWriter(const fs::path& folder, std::int64_t generation, int rank) : generation_(generation), flushed_seconds_(now_seconds()) {
  // A new name each time: a segment has one writer, and two generations of a job never share one.
  path_ = folder / (fmt::format("{:08d}-rank-{}-{}", generation, rank, ::getpid()) + ".seg");
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw disk_error("cannot create", {path_.string()});
}

SegmentWriter::~SegmentWriter() { ::close(descriptor_); }

Record SegmentWriter::append(const Extracted& extracted, const std::string& fingerprint) {
  const std::string payload = pack(extracted, fingerprint);
  const Header header{kMagic, payload.size(), xxh3(std::as_bytes(std::span(payload.data(), payload.size())))};
  const std::string record = std::string(reinterpret_cast<const char*>(&header), sizeof header) + payload;
  for (std::string_view rest = record; !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw disk_error("cannot write", {path_.string()});
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  Record written = index_of(std::as_bytes(std::span(payload.data(), payload.size()))).second;
  written.segment = path_.filename().string();
  written.generation = generation_;
  written.at = written_ + sizeof header;
  written.xxh3 = header.xxh3;
  written_ += record.size();
  if (now_seconds() - flushed_seconds_ > kFlushSeconds) flush();
  return written;
}

void SegmentWriter::flush() {
  if (::fdatasync(descriptor_) != 0) throw disk_error("cannot write to disk", {path_.string()});
  flushed_seconds_ = now_seconds();
}

std::map<std::string, Record> scan_segments(const fs::path& folder) {
  std::map<std::string, Record> records;
  for (const fs::path& segment : entries_of(folder))
    if (segment.extension() == ".seg") scan_segment(segment, records);
  return records;
}

Extracted load(const fs::path& folder, const Record& record) {
  const fs::path segment = folder / record.segment;
  const ReadOnlyFile file(segment);
  std::vector<std::byte> payload(record.bytes);
  file.read_at(record.at, payload);
  if (xxh3(payload) != record.xxh3) throw store_error("an extracted part is not what was written", {segment.string()}, "remove this file and run again: its patients are then extracted again");
  Unpacker whole(payload);
  Extracted out;
  out.features.key = whole.text();
  (void)whole.text();  // fingerprint
  for (std::string& name : read_texts(whole)) out.previews.push_back({std::move(name), {}});
  Unpacker unpacker(whole.part());
  const auto items = unpacker.list<std::int64_t>();
  const auto reasons = unpacker.list<std::uint8_t>();
  out.failures = read_failures(unpacker, out.features.key);
  for (std::size_t m = 0; m < items.size(); ++m) {
    Feature feature;
    feature.items = items[m];
    feature.reason = static_cast<Reason>(reasons.at(m));
    feature.detail = unpacker.text();
    feature.values = unpacker.list<std::byte>();
    feature.coords = unpacker.list<std::array<std::int32_t, 3>>();
    feature.affine = unpacker.value<std::array<double, 12>>();
    feature.phase_present = unpacker.list<std::uint8_t>();
    out.features.features.push_back(std::move(feature));
  }
  for (auto n = unpacker.value<std::uint64_t>(); n > 0; --n) {
    const std::string name = unpacker.text();
    Fact fact;
    fact.state = unpacker.value<Fact::State>();
    fact.text = unpacker.text();
    fact.source = unpacker.text();
    fact.confidence = unpacker.value<double>();
    out.features.facts[name] = fact;
  }
  for (Preview& preview : out.previews) preview.jpeg = whole.text();
  return out;
}

}  // namespace hepar::extract
