// SPDX-License-Identifier: Apache-2.0
// What a pathology report states, with the place where it says so. Names and values: README.md of this folder. An attribute
// that is not stated is not in the list.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hepar::reports {

struct Attribute {
  std::string name;        // "mvi", "size_mm", "ihc.CK19", …
  std::string value;       // "M1", "42", "uncertain", "conflict"
  std::string text;        // the words of the report, as written
  std::size_t start = 0;   // in characters (code points) of the report; [start, end)
  std::size_t end = 0;
  std::string rule;        // which rule found it
  double confidence = 1;   // 1: stated in a fixed phrase; less: inferred from context
};

// Each attribute at most once, in the order of the rules, then the markers. Two incompatible statements give "conflict",
// unless a correcting phrase makes the later one hold; a firm statement stands above a doubtful one, a precise one above
// one that says less.
[[nodiscard]] std::vector<Attribute> attributes_of(std::string_view utf8);

}  // namespace hepar::reports
