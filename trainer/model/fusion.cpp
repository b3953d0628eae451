// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/fusion.hpp"

#include "data/base/error.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace hepar::model {
namespace {

struct FusionKind {
  std::string_view name;
  std::unique_ptr<Fusion> (*make)(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters);
};
// A new fusion is one file and one line here.
constexpr std::array<FusionKind, 1> kFusions{{{"residual", &make_residual_fusion}}};

}  // namespace

std::unique_ptr<Fusion> make_fusion(const ModelConfig& config, std::int64_t inputs, ParameterSet& parameters) {
  const auto* const kind = std::find_if(kFusions.begin(), kFusions.end(), [&](const FusionKind& one) { return one.name == config.fusion.kind; });
  if (kind == kFusions.end()) throw usage_error("there is no model.fusion.kind '" + config.fusion.kind + "'");
  return kind->make(config, inputs, parameters);
}

std::vector<std::string> fusion_names() {
  std::vector<std::string> names;
  for (const FusionKind& kind : kFusions) names.emplace_back(kind.name);
  return names;
}

}  // namespace hepar::model
