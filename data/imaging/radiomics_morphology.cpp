// SPDX-License-Identifier: Apache-2.0
// Morphology (IBSI 1, section 3.1). Volume, area, hull and axes are of the drawn region; intensities of the re-segmented.
// Minimum bounding boxes and ellipsoids without an agreed value are not given.
#include "data/imaging/affine.hpp"
#include "data/imaging/radiomics_families.hpp"
#include "data/imaging/radiomics_mesh.hpp"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hepar::imaging::ibsi {

namespace {

using std::numbers::pi;

constexpr std::array<FeatureName, 25> kNames{{{"morph_volume", "Volume (mesh)"}, {"morph_vol_approx", "Volume (voxel counting)"}, {"morph_area_mesh", "Surface area (mesh)"},
                                              {"morph_av", "Surface to volume ratio"}, {"morph_comp_1", "Compactness 1"}, {"morph_comp_2", "Compactness 2"},
                                              {"morph_sph_dispr", "Spherical disproportion"}, {"morph_sphericity", "Sphericity"}, {"morph_asphericity", "Asphericity"},
                                              {"morph_com", "Centre of mass shift"}, {"morph_diam", "Maximum 3D diameter"}, {"morph_pca_maj_axis", "Major axis length"},
                                              {"morph_pca_min_axis", "Minor axis length"}, {"morph_pca_least_axis", "Least axis length"}, {"morph_pca_elongation", "Elongation"},
                                              {"morph_pca_flatness", "Flatness"}, {"morph_vol_dens_aabb", "Volume density (axis-aligned bounding box)"},
                                              {"morph_area_dens_aabb", "Area density (axis-aligned bounding box)"},
                                              {"morph_vol_dens_aee", "Volume density (approximate enclosing ellipsoid)"},
                                              {"morph_area_dens_aee", "Area density (approximate enclosing ellipsoid)"},
                                              {"morph_vol_dens_conv_hull", "Volume density (convex hull)"}, {"morph_area_dens_conv_hull", "Area density (convex hull)"},
                                              {"morph_integ_int", "Integrated intensity"}, {"morph_moran_i", "Moran's I index"}, {"morph_geary_c", "Geary's C measure"}}};

// What the voxel centres of the drawn region say.
struct Shape {
  double voxels = 0;
  Vec3 centre{};
  std::array<double, 3> axes{};  // semi-axes 2 sqrt(eigenvalue), descending
  Vec3 box{};                    // extent of the mesh, mm
};

Vec3 centre_of(const Region& region, std::int64_t index) {
  const std::array<std::int64_t, 3> at = region.place(index);
  return {static_cast<double>(at[0]) * region.spacing[0], static_cast<double>(at[1]) * region.spacing[1], static_cast<double>(at[2]) * region.spacing[2]};
}

Shape shape_of(const Region& region) {
  Shape shape;
  Vec3 low{HUGE_VAL, HUGE_VAL, HUGE_VAL}, high{-HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  std::vector<Vec3> centres;
  for (std::size_t i = 0; i < region.shape.size(); ++i) {
    if (region.shape[i] == 0) continue;
    centres.push_back(centre_of(region, static_cast<std::int64_t>(i)));
    for (std::size_t axis = 0; axis < 3; ++axis) {
      shape.centre[axis] += centres.back()[axis];
      low[axis] = std::min(low[axis], centres.back()[axis]);
      high[axis] = std::max(high[axis], centres.back()[axis]);
    }
  }
  shape.voxels = static_cast<double>(centres.size());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    shape.centre[axis] /= shape.voxels;
    shape.box[axis] = high[axis] - low[axis] + region.spacing[axis];
  }
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
  for (const Vec3& centre : centres) {
    const Vec3 d = minus(centre, shape.centre);
    const Eigen::Vector3d v(d[0], d[1], d[2]);
    covariance += v * v.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(covariance / std::max(1.0, shape.voxels - 1), Eigen::EigenvaluesOnly);  // 1/(N-1), as the agreed values
  for (int axis = 0; axis < 3; ++axis) shape.axes[static_cast<std::size_t>(axis)] = 2 * std::sqrt(std::max(0.0, solver.eigenvalues()[2 - axis]));
  return shape;
}

double ellipsoid_volume(const std::array<double, 3>& axes) { return 4.0 / 3.0 * pi * axes[0] * axes[1] * axes[2]; }

// Maas' series in Legendre polynomials, twenty terms as the manual asks; (alpha beta)^n P_n by recurrence.
double ellipsoid_area(const std::array<double, 3>& axes) {
  const double a2 = axes[0] * axes[0], alpha2 = 1 - axes[1] * axes[1] / a2, beta2 = 1 - axes[2] * axes[2] / a2, middle = (alpha2 + beta2) / 2;
  double before = 1, now = middle, sum = 1 - now / 3;
  for (int n = 1; n < 20; ++n) {
    const double after = ((2 * n + 1) * middle * now - n * alpha2 * beta2 * before) / (n + 1);
    before = now;
    now = after;
    sum += now / (1 - 4.0 * (n + 1) * (n + 1));
  }
  return 4 * pi * axes[0] * axes[1] * sum;
}

double diameter_of(const Hull& hull, const std::array<double, 3>& unit) {
  double most = 0;
  for (std::size_t a = 0; a < hull.vertices.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      double square = 0;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const double d = static_cast<double>(hull.vertices[a][axis] - hull.vertices[b][axis]) * unit[axis];
        square += d * d;
      }
      most = std::max(most, square);
    }
  return std::sqrt(most);
}

// Mean intensity, and how far the intensities' centre lies from the shape's.
struct Mass { double mean = 0, shift = 0; };
Mass mass_of(const Region& region, const Shape& shape) {
  double sum = 0;
  Vec3 centre{};
  for (const std::int64_t v : region.voxels) {
    const double value = region.intensity[static_cast<std::size_t>(v)];
    const Vec3 at = centre_of(region, v);
    sum += value;
    for (std::size_t axis = 0; axis < 3; ++axis) centre[axis] += value * at[axis];
  }
  for (double& one : centre) one /= sum;
  return {sum / static_cast<double>(region.voxels.size()), length(minus(centre, shape.centre))};
}

}  // namespace

void add_morphology(const Region& region, Sheet& sheet) {
  const Surface surface = surface_of(region);
  const Shape shape = shape_of(region);
  const std::array<double, 3> half{region.spacing[0] / 2, region.spacing[1] / 2, region.spacing[2] / 2};
  const Hull hull = hull_of(outer_vertices(region), half);
  const Mass mass = mass_of(region, shape);
  const Autocorrelation around = autocorrelation(region);
  const double v = surface.volume, a = surface.area, disproportion = a / std::cbrt(36 * pi * v * v);
  const double box_area = 2 * (shape.box[0] * shape.box[1] + shape.box[1] * shape.box[2] + shape.box[0] * shape.box[2]);
  const std::array<double, 25> out{v, shape.voxels * region.spacing[0] * region.spacing[1] * region.spacing[2], a, a / v, v / (std::sqrt(pi) * std::pow(a, 1.5)), 36 * pi * v * v / (a * a * a),
                                   disproportion, 1 / disproportion, disproportion - 1, mass.shift, diameter_of(hull, half),
                                   2 * shape.axes[0], 2 * shape.axes[1], 2 * shape.axes[2], shape.axes[1] / shape.axes[0], shape.axes[2] / shape.axes[0],
                                   v / (shape.box[0] * shape.box[1] * shape.box[2]), a / box_area, v / ellipsoid_volume(shape.axes), a / ellipsoid_area(shape.axes),
                                   v / hull.volume, a / hull.area, mass.mean * v, around.moran, around.geary};
  put({"Morphology", kNames}, out, sheet);
}

}  // namespace hepar::imaging::ibsi
