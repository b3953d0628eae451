// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.hpp"

#include "trainer/dataset/dataset.hpp"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace hepar::dataset {
namespace {

const std::vector<std::string> kModalities{"clinical", "slide", "ct", "report"}, kColumns{"age", "afp", "mvi", "cirrhosis"};

class Transforms : public ::testing::Test {
 protected:
  std::filesystem::path folder(const std::string& name) const { return std::filesystem::path(::testing::TempDir()) / ("hepar_dataset_" + name); }
  static std::vector<std::int64_t> patients(std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> list(static_cast<std::size_t>(to - from));
    std::iota(list.begin(), list.end(), from);
    return list;
  }
};

TEST_F(Transforms, ColumnsAreNamedByWhatTheyMean) {
  const store::Store store = write_store(folder("names"), {});
  const Transform transform = Transform::fit(store, kModalities, kColumns, patients(0, 30));
  EXPECT_EQ(transform.inputs()[0].features, (std::vector<std::string>{"age", "afp", "afp missing", "afp above limit", "mvi=M0", "mvi=M1", "mvi=M2", "mvi missing", "cirrhosis"}));
  EXPECT_EQ(transform.inputs()[1].width, 5);
  EXPECT_EQ(transform.inputs()[2].volume, (std::vector<std::int64_t>{2, 2, 3, 4}));
  EXPECT_GE(transform.inputs()[3].width, 300);
}

TEST_F(Transforms, ColumnsThatMayNotEnterAreNotThere) {
  const store::Store store = write_store(folder("columns"), {});
  const std::vector<std::string> allowed{"age", "cirrhosis"};
  EXPECT_EQ(Transform::fit(store, kModalities, allowed, patients(0, 30)).inputs()[0].features, (std::vector<std::string>{"age", "cirrhosis"}));
}

TEST_F(Transforms, NumbersAreCentredAndScaledByTheFoldAndMissingIsTheMean) {
  const store::Store store = write_store(folder("numbers"), {});
  const auto fold = patients(0, 40);
  const Transform transform = Transform::fit(store, kModalities, kColumns, fold);
  const at::Tensor values = transform.batch(store, fold, 100, 0).inputs[0].values;
  double mean = 0, square = 0, afp = 0, squares = 0, n = 0;
  for (std::int64_t p = 0; p < 40; ++p) {
    const float* row = values.data_ptr<float>() + p * values.size(1);
    mean += row[0] / 40, square += row[0] * row[0] / 40;
    const Cell& cell = store.row(p).cells[1];
    if (cell.usable()) afp += std::log1p(cell.value), squares += std::pow(std::log1p(cell.value), 2), n += 1;
    EXPECT_EQ(row[2], p % 10 == 3 ? 1.0F : 0.0F);
    EXPECT_EQ(row[3], p % 10 == 4 ? 1.0F : 0.0F);
    if (p % 10 == 3) { EXPECT_EQ(row[1], 0); }
    if (p % 10 == 5) { EXPECT_EQ(row[4] + row[5] + row[6], 0); }
  }
  EXPECT_NEAR(mean, 0, 1e-6);
  EXPECT_NEAR(square, 1, 1e-5);
  const double centre = afp / n, sd = std::sqrt(squares / n - centre * centre);
  EXPECT_NEAR(values.data_ptr<float>()[1], (std::log1p(store.row(0).cells[1].value) - centre) / sd, 1e-5);
}

TEST_F(Transforms, NothingOutsideTheFoldChangesWhatIsFitted) {
  const store::Store store = write_store(folder("fold"), {}), other = write_store(folder("other"), {.patients = 40, .age_shift = 1000, .from = 30});
  const std::string mine = Transform::fit(store, kModalities, kColumns, patients(0, 30)).json();
  EXPECT_EQ(mine, Transform::fit(other, kModalities, kColumns, patients(0, 30)).json());
  EXPECT_NE(mine, Transform::fit(other, kModalities, kColumns, patients(0, 31)).json());
  EXPECT_EQ(Transform::fit(store, kModalities, kColumns, patients(10, 13)).fitted_on(), (std::vector<std::string>{key_of(10), key_of(11), key_of(12)}));
}

TEST_F(Transforms, TheOrderOfTheListDoesNotMatter) {
  const store::Store store = write_store(folder("order"), {});
  std::vector<std::int64_t> list = patients(0, 30), reversed(list.rbegin(), list.rend());
  EXPECT_EQ(Transform::fit(store, kModalities, kColumns, list).json(), Transform::fit(store, kModalities, kColumns, reversed).json());
}

TEST_F(Transforms, JsonIsExact) {
  const store::Store store = write_store(folder("json"), {});
  const Transform transform = Transform::fit(store, kModalities, kColumns, patients(0, 30));
  const Transform back = Transform::from_json(transform.json());
  EXPECT_EQ(back.json(), transform.json());
  const auto everyone = patients(0, 40);
  const Batch a = transform.batch(store, everyone, 4, 9), b = back.batch(store, everyone, 4, 9);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(a.inputs[i].values, b.inputs[i].values));
  EXPECT_THROW((void)Transform::from_json("{\"schema\": \"hepar-transform/9\", \"inputs\": []}"), Error);
  EXPECT_THROW((void)Transform::from_json("{"), Error);
}

TEST_F(Transforms, BagsAreStandardisedPerDimensionAndAbsentPatientsHaveNoTiles) {
  const store::Store store = write_store(folder("bags"), {});
  const auto everyone = patients(0, 40);
  const InputBatch bag = Transform::fit(store, kModalities, kColumns, everyone).batch(store, everyone, 100, 0).inputs[1];
  for (std::int64_t p = 0; p < 40; ++p) {
    EXPECT_EQ(bag.offsets[static_cast<std::size_t>(p) + 1] - bag.offsets[static_cast<std::size_t>(p)], p % 5 == 1 ? 0 : 3 + p % 7);
    EXPECT_EQ(bag.present[static_cast<std::size_t>(p)], p % 5 == 1 ? 0 : 1);
  }
  for (std::int64_t d = 0; d < 5; ++d) {
    const at::Tensor column = bag.values.select(1, d);
    EXPECT_NEAR(column.mean().item<float>(), 0, 1e-3);
    EXPECT_NEAR(column.std(false).item<float>(), 1, 1e-3);
  }
}

TEST_F(Transforms, LongBagsAreCutToARunThatFollowsFromKeyAndPatient) {
  const store::Store store = write_store(folder("cut"), {});
  const Transform transform = Transform::fit(store, kModalities, kColumns, patients(0, 40));
  const std::vector<std::int64_t> one{20}, two{13, 20};  // patient 20 has nine tiles
  const at::Tensor whole = transform.batch(store, one, 100, 0).inputs[1].values;
  ASSERT_EQ(whole.size(0), 9);
  EXPECT_TRUE(at::equal(transform.batch(store, one, 4, 0).inputs[1].values, whole.narrow(0, 0, 4)));
  std::vector<int> starts(6, 0);
  for (std::uint64_t key = 1; key < 200; ++key) {
    const at::Tensor cut = transform.batch(store, one, 4, key).inputs[1].values;
    ASSERT_EQ(cut.size(0), 4);
    for (std::int64_t start = 0; start < 6; ++start) starts[static_cast<std::size_t>(start)] += at::equal(cut, whole.narrow(0, start, 4)) ? 1 : 0;
    const InputBatch both = transform.batch(store, two, 4, key).inputs[1];
    EXPECT_TRUE(at::equal(both.values.narrow(0, both.offsets[1], 4), cut));
  }
  for (const int count : starts) EXPECT_GT(count, 10);
}

TEST_F(Transforms, AnAbsentPhaseIsZeroAndAPresentOneIsScaled) {
  const store::Store store = write_store(folder("phases"), {});
  const auto everyone = patients(0, 40);
  const at::Tensor ct = Transform::fit(store, kModalities, kColumns, everyone).batch(store, everyone, 100, 0).inputs[2].values;
  EXPECT_EQ(ct[0][1].abs().max().item<float>(), 0);
  EXPECT_GT(ct[0][0].abs().max().item<float>(), 0);
  EXPECT_EQ(ct[2].abs().max().item<float>(), 0);  // no volume at all
  EXPECT_NEAR(ct[1].std(false).item<float>(), 1, 0.35);
}

TEST_F(Transforms, AnotherStoreOfAnotherShapeIsRefused) {
  const store::Store store = write_store(folder("shape"), {});
  const Transform transform = Transform::fit(store, kModalities, kColumns, patients(0, 30));
  std::string text = transform.json();
  const auto at = text.find("\"M2\"");
  text.replace(at, 4, "\"M9\"");
  const std::vector<std::int64_t> one{0};
  EXPECT_THROW((void)Transform::from_json(text).batch(store, one, 4, 0), Error);
  const std::vector<std::string> unknown{"pet"};
  EXPECT_THROW((void)Transform::fit(store, unknown, kColumns, one), Error);
}

}  // namespace
}  // namespace hepar::dataset
