// SPDX-License-Identifier: Apache-2.0
// How a space is searched: the options of a sweep, and the trials that follow from them.
#pragma once

#include "trainer/sweep/halving.hpp"
#include "trainer/sweep/space.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace hepar::sweep {

struct SearchConfig {
  std::vector<std::string> hold_out;      // centres that no trial sees
  std::string method = "random";          // | grid
  long long trials = 24;                  // of random
  std::string halving = "asynchronous";   // | synchronous | none
  long long rungs = 3;
  double reduction = 3;
  std::string objective = "harrell_c";    // | uno_c | ibs
  double inner_share = 0.2;
  std::string inner_by = "patient";       // | centre
  long long ranks = 1;                    // of a trial
  long long lease = 600;                  // seconds
};
[[nodiscard]] std::vector<Row> rows(SearchConfig& config);

// A function of the options, the space and the seed alone; more trials leave the first ones as they are.
[[nodiscard]] std::vector<Settings> trials_of(const SearchConfig& search, const Space& space, std::uint64_t seed);
[[nodiscard]] Halving halving_of(const SearchConfig& search);

// As a file for --config, and the first option or line of the space in which a kept one differs; "" for none. What changes no
// trial may differ, and the number of trials may have grown.
[[nodiscard]] std::string search_yaml(const SearchConfig& search, const Space& space);
[[nodiscard]] std::string first_difference(const std::filesystem::path& before, const SearchConfig& now, const Space& space);

// What a repetition gives, in words for sweep.json.
[[nodiscard]] std::string repeats(const SearchConfig& search);
[[nodiscard]] nlohmann::ordered_json json_of(const Space& space);

}  // namespace hepar::sweep
