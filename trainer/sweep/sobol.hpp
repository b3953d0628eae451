// SPDX-License-Identifier: Apache-2.0
// Points that fill a cube evenly: the Sobol sequence (direction numbers of Joe & Kuo 2008, as Boost has them) with Owen's
// nested scrambling by hashing (Burley 2020). A point is a function of its index and the seed, so trials can be added later.
#pragma once

#include <cstdint>
#include <vector>

namespace hepar::sweep {

// Points 0 … n-1 of the sequence in Gray-code order, unscrambled, as 32-bit fractions: [point][dimension]. At most 3667 dimensions.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> sobol_points(std::size_t n, std::size_t dimensions);

// Owen scrambling of one coordinate: equal leading bits stay equal, so every elementary interval keeps its one point.
[[nodiscard]] std::uint32_t owen_scrambled(std::uint32_t fraction, std::uint64_t seed);

// The same points scrambled, a seed each dimension of its own, in (0, 1).
[[nodiscard]] std::vector<std::vector<double>> scrambled_points(std::size_t n, std::size_t dimensions, std::uint64_t seed);

}  // namespace hepar::sweep
