// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files: TFRecord frames (length, masked CRC-32C, bytes, masked CRC-32C) of Event protobufs with scalar
// summaries (tensorflow/core/util/event.proto, lib/io/record_writer).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace hepar::engine {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::string tfrecord(std::string_view payload);

class TensorBoard {
 public:
  explicit TensorBoard(const std::filesystem::path& folder);  // a new event file each start
  void scalar(const std::string& tag, std::int64_t step, double value);

 private:
  std::ofstream file_;
};

}  // namespace hepar::engine
