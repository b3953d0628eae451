// SPDX-License-Identifier: Apache-2.0
// The rules: each gives the statements of one attribute, in the order of the text. attributes.cpp holds the table of them.
#pragma once

#include "data/reports/polarity.hpp"
#include "data/reports/reading.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hepar::reports {

using Statements = std::vector<Statement>;

// Findings that are there or not (findings.cpp).
[[nodiscard]] Statements satellite(const Reading& reading);
[[nodiscard]] Statements macrovascular(const Reading& reading);
[[nodiscard]] Statements bile_duct_thrombus(const Reading& reading);
[[nodiscard]] Statements nerve(const Reading& reading);
[[nodiscard]] Statements cirrhosis(const Reading& reading);
// The tumour: type, capsule, margin (tumour.cpp).
[[nodiscard]] Statements diagnosis(const Reading& reading);
[[nodiscard]] Statements capsule(const Reading& reading);
[[nodiscard]] Statements margin(const Reading& reading);
// Grades (grades.cpp).
[[nodiscard]] Statements mvi(const Reading& reading);
[[nodiscard]] Statements edmondson(const Reading& reading);
[[nodiscard]] Statements differentiation(const Reading& reading);
// Numbers (measures.cpp).
[[nodiscard]] Statements size_mm(const Reading& reading);
[[nodiscard]] Statements margin_mm(const Reading& reading);
[[nodiscard]] Statements tumour_number(const Reading& reading);
[[nodiscard]] Statements necrosis_pct(const Reading& reading);
// Lymph nodes (nodes.cpp).
[[nodiscard]] Statements lymph_node(const Reading& reading);
[[nodiscard]] Statements nodes_positive(const Reading& reading);
[[nodiscard]] Statements nodes_examined(const Reading& reading);
// Immunohistochemistry (markers.cpp): the attribute's name with each statement.
[[nodiscard]] std::vector<std::pair<std::string, Statement>> markers(const Reading& reading);

}  // namespace hepar::reports
