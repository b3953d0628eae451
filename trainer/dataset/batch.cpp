// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset/columns.hpp"
#include "trainer/dataset/values.hpp"

#include "data/base/random.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace hepar::dataset {
namespace {

using Patients = std::span<const std::int64_t>;

// The transform of one input, at one modality of one store.
struct Reader {
  const store::Store& store;
  int modality;
  const Input& input;
  const Transform::Scale& scale;

  [[nodiscard]] const Layout& layout() const { return store.modalities()[static_cast<std::size_t>(modality)].layout; }
};

InputBatch vector_batch(const store::Store& store, const Input& input, const std::vector<Transform::Column>& columns, Patients patients) {
  InputBatch batch;
  batch.values = at::empty({static_cast<std::int64_t>(patients.size()), input.width}, at::kFloat);
  batch.present.assign(patients.size(), 1);
  std::vector<std::size_t> places;
  for (const Transform::Column& column : columns) {
    const auto& specs = store.columns();
    const auto at = std::find_if(specs.begin(), specs.end(), [&](const ColumnSpec& c) { return c.name == column.name; });
    if (at == specs.end()) throw store_error("the store has no column " + column.name + ", which the model was trained with", {store.path().string()});
    if (at->type != column.type || at->values != column.values)
      throw store_error("column " + column.name + " has another type or other categories than the model was trained with", {store.path().string()});
    places.push_back(static_cast<std::size_t>(at - specs.begin()));
  }
  float* out = batch.values.data_ptr<float>();
  for (const std::int64_t patient : patients)
    for (std::size_t c = 0; c < columns.size(); ++c) out = transform_cell(columns[c], store.row(patient).cells[places[c]], out);
  return batch;
}

void read_into(const Reader& reader, std::int64_t patient, std::int64_t first, std::int64_t count, std::span<float> out) {
  std::vector<std::byte> bytes(out.size() * bytes_of(reader.layout().type));
  reader.store.read(reader.modality, patient, first, count, bytes);
  to_floats(bytes, reader.layout().type, out);
}

InputBatch bag_batch(const Reader& reader, Patients patients, std::int64_t bag_cap, std::uint64_t key) {
  InputBatch batch;
  batch.offsets.push_back(0);
  for (const std::int64_t patient : patients) {
    const std::int64_t items = std::min(reader.store.items(reader.modality, patient), bag_cap);
    batch.offsets.push_back(batch.offsets.back() + items);
    batch.present.push_back(items > 0 ? 1 : 0);
  }
  const std::int64_t width = reader.input.width;
  batch.values = at::empty({batch.offsets.back(), width}, at::kFloat);
  float* out = batch.values.data_ptr<float>();
  for (std::size_t p = 0; p < patients.size(); ++p) {
    const std::int64_t count = batch.offsets[p + 1] - batch.offsets[p];
    if (count == 0) continue;
    const std::int64_t spare = reader.store.items(reader.modality, patients[p]) - count;
    const auto first = key == 0 || spare == 0
                           ? std::int64_t{0}
                           : static_cast<std::int64_t>(hash_words({key, hash_text(reader.store.row(patients[p]).key)}) % static_cast<std::uint64_t>(spare + 1));
    const std::span<float> own(out + batch.offsets[p] * width, static_cast<std::size_t>(count * width));
    read_into(reader, patients[p], first, count, own);
    standardise_rows(own, reader.scale.mean, reader.scale.inverse_sd);
  }
  return batch;
}

InputBatch volume_batch(const Reader& reader, Patients patients) {
  InputBatch batch;
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(patients.size())};
  shape.insert(shape.end(), reader.input.volume.begin(), reader.input.volume.end());
  batch.values = at::zeros(shape, at::kFloat);
  const auto phases = static_cast<std::size_t>(reader.input.volume.at(0));
  const auto size = static_cast<std::size_t>(reader.layout().values_per_item()), voxels = size / phases;
  for (std::size_t p = 0; p < patients.size(); ++p) {
    batch.present.push_back(reader.store.items(reader.modality, patients[p]) > 0 ? 1 : 0);
    if (batch.present.back() == 0) continue;
    const std::span<float> own(batch.values.data_ptr<float>() + p * size, size);
    read_into(reader, patients[p], 0, 1, own);
    const std::vector<std::uint8_t> has_phase = reader.store.phase_present(reader.modality, patients[p]);
    for (std::size_t phase = 0; phase < phases; ++phase) {
      const std::span<float> part = own.subspan(phase * voxels, voxels);
      const bool absent = phase < has_phase.size() && has_phase[phase] == 0;
      if (absent) std::fill(part.begin(), part.end(), 0.0F);
      else standardise_phase(part, reader.scale.mean[phase], reader.scale.inverse_sd[phase]);
    }
  }
  return batch;
}

InputBatch sequence_batch(const Reader& reader, Patients patients) {
  InputBatch batch;
  batch.offsets.push_back(0);
  std::vector<std::int32_t> ids;
  for (const std::int64_t patient : patients) {
    const std::int64_t items = reader.store.items(reader.modality, patient);
    const std::size_t before = ids.size();
    ids.resize(before + static_cast<std::size_t>(items));
    if (items > 0) reader.store.read(reader.modality, patient, 0, items, std::as_writable_bytes(std::span(ids).subspan(before)));
    batch.offsets.push_back(static_cast<std::int64_t>(ids.size()));
    batch.present.push_back(items > 0 ? 1 : 0);
  }
  batch.values = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
  // An id that the training fold never saw shares a row of the embedding with another.
  std::transform(ids.begin(), ids.end(), batch.values.data_ptr<std::int64_t>(), [&](std::int32_t id) { return id % reader.input.width; });
  return batch;
}

}  // namespace

Batch Transform::batch(const store::Store& store, std::span<const std::int64_t> patients, std::int64_t bag_cap, std::uint64_t key) const {
  Batch batch;
  batch.patients.assign(patients.begin(), patients.end());
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    const int modality = store.modality(input.name);
    if (input.kind == Kind::vector) {
      batch.inputs.push_back(vector_batch(store, input, columns_[i], patients));
      continue;
    }
    if (modality < 0) throw store_error("the store has no modality " + input.name + ", which the model was trained with", {store.path().string()});
    const Reader reader{store, modality, input, scales_[i]};
    const Layout& layout = reader.layout();
    const bool same = layout.kind == input.kind && (input.kind != Kind::bag || layout.values_per_item() == input.width) &&
                      (input.kind != Kind::volume || layout.item == input.volume);
    if (!same) throw store_error("modality " + input.name + " has another kind or shape than the model was trained with", {store.path().string()});
    if (input.kind == Kind::bag) batch.inputs.push_back(bag_batch(reader, patients, bag_cap, key));
    if (input.kind == Kind::volume) batch.inputs.push_back(volume_batch(reader, patients));
    if (input.kind == Kind::sequence) batch.inputs.push_back(sequence_batch(reader, patients));
  }
  return batch;
}

}  // namespace hepar::dataset
