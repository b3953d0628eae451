// SPDX-License-Identifier: Apache-2.0
// Grey level co-occurrence (IBSI 1, section 3.6): symmetric, distance 1.
#include "data/imaging/radiomics_matrix.hpp"

namespace hepar::imaging::ibsi {

namespace {

constexpr std::array<FeatureName, 25> kNames{{{"cm_joint_max", "Joint maximum"}, {"cm_joint_avg", "Joint average"}, {"cm_joint_var", "Joint variance"}, {"cm_joint_entr", "Joint entropy"},
                                              {"cm_diff_avg", "Difference average"}, {"cm_diff_var", "Difference variance"}, {"cm_diff_entr", "Difference entropy"},
                                              {"cm_sum_avg", "Sum average"}, {"cm_sum_var", "Sum variance"}, {"cm_sum_entr", "Sum entropy"},
                                              {"cm_energy", "Angular second moment"}, {"cm_contrast", "Contrast"}, {"cm_dissimilarity", "Dissimilarity"},
                                              {"cm_inv_diff", "Inverse difference"}, {"cm_inv_diff_norm", "Normalised inverse difference"},
                                              {"cm_inv_diff_mom", "Inverse difference moment"}, {"cm_inv_diff_mom_norm", "Normalised inverse difference moment"},
                                              {"cm_inv_var", "Inverse variance"}, {"cm_corr", "Correlation"}, {"cm_auto_corr", "Autocorrelation"},
                                              {"cm_clust_tend", "Cluster tendency"}, {"cm_clust_shade", "Cluster shade"}, {"cm_clust_prom", "Cluster prominence"},
                                              {"cm_info_corr1", "First measure of information correlation"}, {"cm_info_corr2", "Second measure of information correlation"}}};

double entropy(std::span<const double> p) {
  double sum = 0;
  for (const double one : p)
    if (one > 0) sum -= one * std::log2(one);
  return sum;
}

struct Moments { double mean = 0, variance = 0; };
Moments moments(std::span<const double> p) {  // of the index
  Moments m;
  for (std::size_t k = 0; k < p.size(); ++k) m.mean += static_cast<double>(k) * p[k];
  for (std::size_t k = 0; k < p.size(); ++k) m.variance += (static_cast<double>(k) - m.mean) * (static_cast<double>(k) - m.mean) * p[k];
  return m;
}

// An entry with i < j stands for both orders; `levels` is that of the region, not of the matrix.
std::vector<double> features(const CountMatrix& matrix, std::int32_t levels) {
  if (matrix.empty()) return std::vector<double>(kNames.size(), kUndefined);
  double all = 0;
  for (const Entry& e : matrix.entries) all += e.n;
  const auto n = static_cast<std::size_t>(levels);
  std::vector<double> marginal(n + 1, 0), difference(n, 0), sums(2 * n + 1, 0);
  double largest = 0, joint_entropy = 0, energy = 0, inverse = 0, inverse_norm = 0, moment = 0, moment_norm = 0, inverse_variance = 0, auto_corr = 0;
  for (const Entry& e : matrix.entries) {
    const double both = e.n / all, p = e.i == e.j ? both : both / 2, d = e.j - e.i, times = e.i == e.j ? 1 : 2;
    largest = std::max(largest, p);
    joint_entropy -= both * std::log2(p);
    energy += times * p * p;
    marginal[static_cast<std::size_t>(e.i)] += both / 2;
    marginal[static_cast<std::size_t>(e.j)] += both / 2;
    difference[static_cast<std::size_t>(e.j - e.i)] += both;
    sums[static_cast<std::size_t>(e.i + e.j)] += both;
    inverse += both / (1 + d);
    inverse_norm += both / (1 + d / levels);
    moment += both / (1 + d * d);
    moment_norm += both / (1 + d * d / (static_cast<double>(levels) * levels));
    if (d > 0) inverse_variance += both / (d * d);
    auto_corr += both * e.i * e.j;
  }
  const Moments one = moments(marginal), diff = moments(difference), sum = moments(sums);
  double contrast = 0, tendency = 0, shade = 0, prominence = 0;
  for (std::size_t k = 0; k < difference.size(); ++k) contrast += static_cast<double>(k * k) * difference[k];
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const double d = static_cast<double>(k) - 2 * one.mean;
    tendency += d * d * sums[k];
    shade += d * d * d * sums[k];
    prominence += d * d * d * d * sums[k];
  }
  const double hx = entropy(marginal);
  const bool single = matrix.entries.size() == 1 && matrix.entries.front().i == matrix.entries.front().j;
  // The matrix is symmetric, so both cross entropies HXY1 and HXY2 of Haralick are twice the marginal's entropy.
  const double correlation = single ? 1 : (auto_corr - one.mean * one.mean) / one.variance;
  const double info1 = single ? 1 : (joint_entropy - 2 * hx) / hx, info2 = std::sqrt(std::max(0.0, 1 - std::exp(-2 * (2 * hx - joint_entropy))));
  return {largest, one.mean, one.variance, joint_entropy, diff.mean, diff.variance, entropy(difference), sum.mean, sum.variance, entropy(sums), energy, contrast, diff.mean,
          inverse, inverse_norm, moment, moment_norm, inverse_variance, correlation, auto_corr, tendency, shade, prominence, info1, info2};
}

}  // namespace

void add_glcm(const Region& region, bool by_slice, Sheet& sheet) {
  MatrixSet<CountMatrix> set;
  Counter counter;
  for (const std::span<const std::int64_t> group : groups_of(region, by_slice)) {
    set.emplace_back();
    for (const std::int64_t offset : half_neighbours(region, by_slice)) {
      for (const std::int64_t v : group) {
        const std::int32_t a = region.level[static_cast<std::size_t>(v)], b = region.level[static_cast<std::size_t>(v + offset)];
        if (b > 0) counter.add(std::min(a, b), std::max(a, b));
      }
      set.back().push_back(counter.matrix(static_cast<double>(group.size())));
    }
  }
  put_aggregated({"GLCM", kNames}, set, aggregations(by_slice, true), [&](const CountMatrix& matrix) { return features(matrix, region.levels); }, sheet);
}

}  // namespace hepar::imaging::ibsi
