// SPDX-License-Identifier: Apache-2.0
#include "trainer/engine/tensorboard.hpp"

#include "data/base/error.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

namespace hepar::engine {

namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

// Protobuf fields: key = number << 3 | wire type.
std::string bytes_field(int number, const std::string& bytes) { return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes; }

double wall_time() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string event(std::int64_t step, const std::string& body) { return "\x09" + raw(wall_time()) + "\x10" + varint(static_cast<std::uint64_t>(step)) + body; }

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t c = ~0u;
  for (const char byte : bytes) c = kCrcTable[(c ^ static_cast<unsigned char>(byte)) & 0xffu] ^ (c >> 8);
  return ~c;
}

std::string tfrecord(std::string_view payload) {
  const auto masked = [](std::string_view bytes) {
    const std::uint32_t c = crc32c(bytes);
    return raw(static_cast<std::uint32_t>(std::rotr(c, 15) + 0xa282ead8u));
  };
  const std::string length = raw(static_cast<std::uint64_t>(payload.size()));
  return length + masked(length) + std::string(payload) + masked(payload);
}

TensorBoard::TensorBoard(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  file_.open(folder / ("events.out.tfevents." + std::to_string(static_cast<long long>(wall_time())) + ".hepar." + std::to_string(::getpid())), std::ios::binary);
  file_ << tfrecord(event(0, bytes_field(3, "brain.Event:2")));
}

void TensorBoard::scalar(const std::string& tag, std::int64_t step, double value) {
  const std::string summary_value = bytes_field(1, tag) + "\x15" + raw(static_cast<float>(value));
  file_ << tfrecord(event(step, bytes_field(5, bytes_field(1, summary_value))));
  file_.flush();
  if (!file_) throw disk_error("cannot write TensorBoard's events");
}

}  // namespace hepar::engine
