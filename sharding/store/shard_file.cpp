// SPDX-License-Identifier: Apache-2.0
#include "sharding/store/shard_file.hpp"

#include "data/base/files.hpp"
#include "sharding/store/hdf5.hpp"

#include <algorithm>
#include <set>

namespace hepar::store {

namespace {

constexpr hsize_t kCoordWidth = 3, kAffineWidth = 12;

Handle memory_type(DType type) {
  if (type == DType::float16) return half_type();
  return Handle(H5Tcopy(type == DType::float32 ? H5T_IEEE_F32LE : H5T_STD_I32LE), &H5Tclose, "make a type", {});
}

// The open data sets of one modality while a shard is written.
struct ModalityWriter {
  Handle group, type, values;
  std::vector<hsize_t> shape;
  std::optional<Handle> coords, affine, phases;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint8_t> present, reason;
  std::vector<std::uint64_t> hashes;
};

std::vector<hsize_t> shape_of(const Layout& layout, std::int64_t items) {
  std::vector<hsize_t> shape{static_cast<hsize_t>(items)};
  for (const std::int64_t extent : layout.item) shape.push_back(static_cast<hsize_t>(extent));
  return shape;
}

ModalityWriter open_writer(const Handle& file, const StoredModality& modality, std::int64_t items, std::size_t patients, const std::filesystem::path& path) {
  Handle group = create_group(file, modality.name, path);
  Handle type = memory_type(modality.layout.type);
  std::vector<hsize_t> shape = shape_of(modality.layout, items);
  Handle values = create_dataset(group, "values", type.get(), shape, path);
  ModalityWriter writer{std::move(group), std::move(type), std::move(values), std::move(shape), {}, {}, {}, {0}, {}, {}, {}};
  if (modality.layout.kind == Kind::bag) {
    const std::array<hsize_t, 2> coords{static_cast<hsize_t>(items), kCoordWidth};
    writer.coords.emplace(create_dataset(writer.group, "coords", H5T_STD_I32LE, coords, path));
  }
  if (modality.layout.kind == Kind::volume) {
    const std::array<hsize_t, 2> affine{patients, kAffineWidth}, phases{patients, static_cast<hsize_t>(modality.layout.item.front())};
    writer.affine.emplace(create_dataset(writer.group, "affine", H5T_IEEE_F64LE, affine, path));
    writer.phases.emplace(create_dataset(writer.group, "phase_present", H5T_STD_U8LE, phases, path));
  }
  return writer;
}

std::size_t value_bytes(const Layout& layout, std::int64_t items) { return static_cast<std::size_t>(items * layout.values_per_item()) * bytes_of(layout.type); }

// Why a feature is not what the layout and the plan of the shard say; "" when it is.
std::string misfit(const StoredModality& modality, const Feature& feature, std::int64_t planned) {
  const auto differs = [](const char* what, std::size_t has, std::size_t needs) {
    return std::string(what) + " are " + std::to_string(has) + " instead of " + std::to_string(needs);
  };
  const auto items = static_cast<std::size_t>(std::max<std::int64_t>(feature.items, 0));
  if (feature.items != planned) return differs("its items", items, static_cast<std::size_t>(planned));
  if (const std::size_t bytes = value_bytes(modality.layout, planned); feature.values.size() != bytes) return differs("the bytes of its values", feature.values.size(), bytes);
  if (modality.layout.kind == Kind::bag && feature.coords.size() != items) return differs("its coordinates", feature.coords.size(), items);
  return {};
}

void append(ModalityWriter& writer, const StoredModality& modality, const Feature& feature, std::size_t patient, const std::filesystem::path& path) {
  const std::int64_t first = writer.offsets.back();
  const auto row_first = static_cast<hsize_t>(first);
  write_rows(writer.values, writer.type.get(), writer.shape, row_first, feature.values, path);
  if (writer.coords) {
    const std::array<hsize_t, 2> shape{writer.shape.front(), kCoordWidth};
    write_rows(*writer.coords, H5T_NATIVE_INT32, shape, row_first, std::as_bytes(std::span(feature.coords)), path);
  }
  if (writer.affine) {
    const std::array<hsize_t, 2> shape{0, kAffineWidth}, phases{0, static_cast<hsize_t>(modality.layout.item.front())};
    std::vector<std::uint8_t> present = feature.phase_present;
    present.resize(static_cast<std::size_t>(modality.layout.item.front()), 0);
    write_rows(*writer.affine, H5T_NATIVE_DOUBLE, shape, patient, std::as_bytes(std::span(feature.affine)), path);
    write_rows(*writer.phases, H5T_NATIVE_UINT8, phases, patient, std::as_bytes(std::span(present)), path);
  }
  writer.offsets.push_back(first + feature.items);
  writer.present.push_back(feature.present() ? 1 : 0);
  writer.reason.push_back(static_cast<std::uint8_t>(feature.reason));
  writer.hashes.push_back(feature.items > 0 ? hash_of(feature.values) : 0);
}

void write_facts(const Handle& file, const std::vector<Facts>& facts, const std::filesystem::path& path) {
  const Handle group = create_group(file, "facts", path);
  std::set<std::string> names;
  for (const Facts& of_patient : facts)
    for (const auto& [name, fact] : of_patient) names.insert(name);
  for (const std::string& name : names) {
    std::vector<std::string> values, sources;
    std::vector<std::uint8_t> states;
    std::vector<double> confidence;
    for (const Facts& of_patient : facts) {
      const auto found = of_patient.find(name);
      const Fact fact = found == of_patient.end() ? Fact{} : found->second;
      values.push_back(fact.text);
      sources.push_back(fact.source);
      states.push_back(static_cast<std::uint8_t>(fact.state));
      confidence.push_back(fact.confidence);
    }
    const Handle one = create_group(group, name, path);
    write_texts(one, "value", values, path);
    write_bytes(one, "state", states, path);
    write_texts(one, "source", sources, path);
    write_numbers(one, "confidence", confidence, path);
  }
}

// The byte offset of a data set's values; 0 for an empty one.
std::uint64_t offset_of(const Handle& file, const std::string& name, bool empty, const std::filesystem::path& path) {
  const Handle dataset(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), &H5Dclose, "find '" + name + "'", path);
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF && !empty) throw store_error("'" + name + "' is not contiguous", {path.string()}, "make the store again");
  return offset == HADDR_UNDEF ? 0 : offset;
}

template <class T>
void append_bytes(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

bool says_nothing(const Fact& fact) { return fact.state == Fact::State::unknown && fact.text.empty() && fact.source.empty(); }

}  // namespace

std::uint64_t hash_of(std::span<const std::byte> values) { return xxh3(values); }

void write_shard(const std::filesystem::path& path, const std::vector<StoredModality>& all, const std::vector<PatientSize>& sizes,
                 const std::function<PatientFeatures(std::size_t)>& load) {
  const std::vector<StoredModality> modalities = without_vectors(all);
  Handle file = create_file(path);
  std::vector<Facts> facts;
  {
    std::vector<std::string> keys;
    for (const PatientSize& size : sizes) keys.push_back(size.key);
    const Handle patient = create_group(file, "patient", path);
    write_texts(patient, "id", keys, path);
    std::vector<ModalityWriter> writers;
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      std::int64_t items = 0;
      for (const PatientSize& size : sizes) items += size.items.at(m);
      writers.push_back(open_writer(file, modalities[m], items, sizes.size(), path));
    }
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      PatientFeatures loaded = load(p);
      for (std::size_t m = 0; m < modalities.size(); ++m) {
        if (const std::string why = misfit(modalities[m], loaded.features.at(m), sizes[p].items[m]); !why.empty())
          throw store_error("the extracted /" + modalities[m].name + " of patient " + sizes[p].key + " is of another shape: " + why, {path.parent_path().parent_path().string()},
                            "it was made by another version or from a file that has changed: --fresh moves the store to OUT.old-N and makes a new one");
        append(writers[m], modalities[m], loaded.features[m], p, path);
      }
      facts.push_back(std::move(loaded.facts));
    }
    for (ModalityWriter& writer : writers) {
      write_integers(writer.group, "offsets", writer.offsets, path);
      write_bytes(writer.group, "present", writer.present, path);
      write_bytes(writer.group, "reason", writer.reason, path);
      write_hashes(writer.group, "xxh3", writer.hashes, path);
    }
    write_facts(file, facts, path);
  }
  file.close(path);
}

std::vector<StoredModality> without_vectors(const std::vector<StoredModality>& modalities) {
  std::vector<StoredModality> kept;
  std::copy_if(modalities.begin(), modalities.end(), std::back_inserter(kept), [](const StoredModality& m) { return m.layout.kind != Kind::vector; });
  return kept;
}

namespace {

ModalityIndex read_modality_index(const Handle& file, const StoredModality& modality, std::size_t patients, const std::filesystem::path& path) {
  ModalityIndex one;
  const std::string prefix = modality.name + "/";
  one.offsets = read_integers(file, prefix + "offsets", path);
  one.reason = read_bytes(file, prefix + "reason", path);
  one.xxh3 = read_hashes(file, prefix + "xxh3", path);
  bool fits = one.offsets.size() == patients + 1 && one.reason.size() == patients && one.xxh3.size() == patients && one.offsets.front() == 0 &&
              std::is_sorted(one.offsets.begin(), one.offsets.end());
  if (modality.layout.kind == Kind::volume) {
    one.affine = read_numbers(file, prefix + "affine", path);
    one.phases = read_bytes(file, prefix + "phase_present", path);
    fits = fits && one.affine.size() == patients * kAffineWidth && one.phases.size() == patients * static_cast<std::size_t>(modality.layout.item.at(0));
  }
  if (!fits) throw store_error("'" + modality.name + "' does not cover its patients", {path.string()}, "make the store again");
  one.values_at = offset_of(file, prefix + "values", one.offsets.back() == 0, path);
  if (modality.layout.kind == Kind::bag) one.coords_at = offset_of(file, prefix + "coords", one.offsets.back() == 0, path);
  return one;
}

ShardIndex read_index(const std::filesystem::path& path, const std::vector<StoredModality>& modalities) {
  const Handle file = open_file(path);
  ShardIndex index;
  index.keys = read_texts(file, "patient/id", path);
  for (const StoredModality& modality : modalities) index.modalities.push_back(read_modality_index(file, modality, index.keys.size(), path));
  return index;
}

}  // namespace

std::uint64_t ShardIndex::hash() const {
  std::string bytes;
  for (const std::string& key : keys) bytes += key + '\n';
  for (const ModalityIndex& modality : modalities) {
    append_bytes(bytes, std::vector<std::uint64_t>{modality.values_at, modality.coords_at});
    append_bytes(bytes, modality.offsets);
    append_bytes(bytes, modality.reason);
    append_bytes(bytes, modality.xxh3);
    append_bytes(bytes, modality.affine);
    append_bytes(bytes, modality.phases);
  }
  return xxh3(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

ShardReader::ShardReader(const std::filesystem::path& path, const std::vector<StoredModality>& modalities)
    : path_(path), modalities_(without_vectors(modalities)), index_(read_index(path, modalities_)), file_(path) {}

std::int64_t ShardReader::items(std::size_t slot, std::size_t patient) const {
  const ModalityIndex& modality = index_.modalities.at(slot);
  return modality.offsets.at(patient + 1) - modality.offsets.at(patient);
}

void ShardReader::read(std::size_t slot, std::size_t patient, std::int64_t first, std::int64_t count, std::span<std::byte> out) const {
  const Layout& layout = modalities_.at(slot).layout;
  const ModalityIndex& modality = index_.modalities.at(slot);
  const auto width = static_cast<std::uint64_t>(layout.values_per_item()) * bytes_of(layout.type);
  if (first < 0 || count < 0 || first + count > items(slot, patient) || out.size() != static_cast<std::uint64_t>(count) * width)
    throw Error(ExitCode::bug, "read of items " + std::to_string(first) + "+" + std::to_string(count) + " of " + std::to_string(items(slot, patient)), path_.string());
  file_.read_at(modality.values_at + static_cast<std::uint64_t>(modality.offsets[patient] + first) * width, out);
}

void ShardReader::check(std::size_t slot, std::size_t patient, std::span<const std::byte> values) const {
  if (values.empty() || hash_of(values) == index_.modalities.at(slot).xxh3.at(patient)) return;
  throw store_error("/" + modalities_.at(slot).name + "/values of patient " + index_.keys.at(patient) + " is not what was written", {path_.string()},
                    "restore the file or make the store again with --fresh");
}

std::vector<std::array<std::int32_t, 3>> ShardReader::coords(std::size_t slot, std::size_t patient) const {
  std::vector<std::array<std::int32_t, 3>> coords;
  if (modalities_.at(slot).layout.kind != Kind::bag) return coords;
  const ModalityIndex& modality = index_.modalities.at(slot);
  coords.resize(static_cast<std::size_t>(items(slot, patient)));
  file_.read_at(modality.coords_at + static_cast<std::uint64_t>(modality.offsets[patient]) * sizeof(coords[0]), std::as_writable_bytes(std::span(coords)));
  return coords;
}

std::vector<std::uint8_t> ShardReader::phases(std::size_t slot, std::size_t patient) const {
  if (modalities_.at(slot).layout.kind != Kind::volume) return {};
  const auto width = static_cast<std::ptrdiff_t>(modalities_[slot].layout.item.at(0));
  const auto first = index_.modalities.at(slot).phases.begin() + static_cast<std::ptrdiff_t>(patient) * width;
  return {first, first + width};
}

Feature ShardReader::feature(std::size_t slot, std::size_t patient) const {
  const Layout& layout = modalities_.at(slot).layout;
  const ModalityIndex& modality = index_.modalities.at(slot);
  Feature feature;
  feature.reason = static_cast<Reason>(modality.reason.at(patient));
  feature.items = items(slot, patient);
  feature.values.resize(value_bytes(layout, feature.items));
  read(slot, patient, 0, feature.items, feature.values);
  check(slot, patient, feature.values);
  feature.coords = coords(slot, patient);
  feature.phase_present = phases(slot, patient);
  if (layout.kind == Kind::volume) std::copy_n(modality.affine.begin() + static_cast<std::ptrdiff_t>(patient * kAffineWidth), kAffineWidth, feature.affine.begin());
  return feature;
}

PatientFeatures ShardReader::load(std::size_t patient, const std::vector<Facts>& facts) const {
  PatientFeatures loaded{index_.keys.at(patient), {}, facts.at(patient)};
  for (std::size_t slot = 0; slot < modalities_.size(); ++slot) loaded.features.push_back(feature(slot, patient));
  return loaded;
}

std::vector<Facts> read_shard_facts(const std::filesystem::path& path) {
  const Handle file = open_file(path);
  std::vector<Facts> facts(read_texts(file, "patient/id", path).size());
  const Handle group(H5Gopen2(file.get(), "facts", H5P_DEFAULT), &H5Gclose, "find 'facts'", path);
  std::vector<std::string> names;
  const H5L_iterate_t collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  if (H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) < 0)
    throw store_error("HDF5 cannot list 'facts'", {path.string()}, "restore the file or make the store again");
  for (const std::string& name : names) {
    const std::vector<std::string> values = read_texts(group, name + "/value", path), sources = read_texts(group, name + "/source", path);
    const std::vector<std::uint8_t> states = read_bytes(group, name + "/state", path);
    const std::vector<double> confidence = read_numbers(group, name + "/confidence", path);
    for (std::size_t p = 0; p < facts.size(); ++p) {
      Fact fact{static_cast<Fact::State>(states.at(p)), values.at(p), sources.at(p), confidence.at(p)};
      if (!says_nothing(fact)) facts[p][name] = std::move(fact);
    }
  }
  return facts;
}

}  // namespace hepar::store
