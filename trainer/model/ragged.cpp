// SPDX-License-Identifier: Apache-2.0
#include "trainer/model/ragged.hpp"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hepar::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::int64_t patients_of(const Offsets& offsets) { return static_cast<std::int64_t>(offsets.size()) - 1; }

void add_mean(const float* rows, std::int64_t n, std::int64_t width, float* out) {
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t d = 0; d < width; ++d) out[d] += rows[i * width + d];
  const float share = 1.0F / static_cast<float>(n);
  for (std::int64_t d = 0; d < width; ++d) out[d] *= share;
}

class Pool : public torch::autograd::Function<Pool> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& values_in, const at::Tensor& scores, const Offsets* offsets) {
    const at::Tensor values = values_in.contiguous();
    const std::int64_t patients = patients_of(*offsets), width = values.size(1), heads = scores.size(1);
    at::Tensor pooled = at::zeros({patients, (heads + 2) * width}, values.options());
    at::Tensor weights = at::empty({heads, values.size(0)}, values.options());   // softmax per head and patient
    at::Tensor best = at::empty({patients, width}, values.options().dtype(at::kLong));
    for (std::int64_t p = 0; p < patients; ++p) {
      const std::int64_t begin = (*offsets)[p], n = (*offsets)[p + 1] - begin;
      const at::Tensor own = values.narrow(0, begin, n);
      at::Tensor weight = weights.narrow(1, begin, n);
      weight.copy_(at::_softmax(scores.narrow(0, begin, n).t().contiguous(), 1, false));
      float* out = pooled.data_ptr<float>() + p * (heads + 2) * width;
      pooled[p].narrow(0, 0, heads * width).view({heads, width}).copy_(at::mm(weight, own));
      const float* rows = own.data_ptr<float>();
      add_mean(rows, n, width, out + heads * width);
      float* top = out + (heads + 1) * width;
      std::int64_t* where = best.data_ptr<std::int64_t>() + p * width;
      std::memcpy(top, rows, sizeof(float) * static_cast<std::size_t>(width));
      std::fill(where, where + width, begin);
      for (std::int64_t i = 1; i < n; ++i)
        for (std::int64_t d = 0; d < width; ++d) {
          const bool larger = rows[i * width + d] > top[d];
          top[d] = larger ? rows[i * width + d] : top[d];
          where[d] = larger ? begin + i : where[d];
        }
    }
    context->save_for_backward({values, weights, best});
    context->saved_data["offsets"] = *offsets;
    return pooled;
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &values = saved[0], &weights = saved[1], slope = upstream[0].contiguous();
    const Offsets offsets = context->saved_data["offsets"].toIntVector();
    const std::int64_t width = values.size(1), heads = weights.size(0);
    at::Tensor d_values = at::empty(values.sizes(), values.options());
    at::Tensor d_scores = at::empty({values.size(0), heads}, values.options());
    for (std::int64_t p = 0; p < patients_of(offsets); ++p) {
      const std::int64_t begin = offsets[p], n = offsets[p + 1] - begin;
      const at::Tensor own = values.narrow(0, begin, n), weight = weights.narrow(1, begin, n).contiguous();
      const at::Tensor d_attended = slope[p].narrow(0, 0, heads * width).view({heads, width});
      at::Tensor d_own = d_values.narrow(0, begin, n);
      at::mm_out(d_own, weight.t(), d_attended);
      const at::Tensor d_weight = at::mm(d_attended, own.t());
      d_scores.narrow(0, begin, n).copy_(at::_softmax_backward_data(d_weight, weight, 1, at::kFloat).t());
      const float* d_mean = slope.data_ptr<float>() + (p * (heads + 2) + heads) * width;
      const float share = 1.0F / static_cast<float>(n);
      float* rows = d_own.data_ptr<float>();
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t d = 0; d < width; ++d) rows[i * width + d] += share * d_mean[d];
      const std::int64_t* where = saved[2].data_ptr<std::int64_t>() + p * width;
      for (std::int64_t d = 0; d < width; ++d) d_values.data_ptr<float>()[where[d] * width + d] += d_mean[width + d];
    }
    return {d_values, d_scores, at::Tensor()};
  }
};

class SelfAttention : public torch::autograd::Function<SelfAttention> {
 public:
  // Part 0 (queries), 1 (keys) or 2 (values) of a patient's rows, as [heads, n, width / heads].
  static at::Tensor part(const at::Tensor& qkv, std::int64_t begin, std::int64_t n, std::int64_t which, std::int64_t heads) {
    const std::int64_t width = qkv.size(1) / 3;
    return qkv.narrow(0, begin, n).narrow(1, which * width, width).view({n, heads, width / heads}).transpose(0, 1);
  }
  static at::Tensor heads_of(const at::Tensor& rows, std::int64_t begin, std::int64_t n, std::int64_t heads) {
    return rows.narrow(0, begin, n).view({n, heads, rows.size(1) / heads}).transpose(0, 1);
  }

  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const Offsets* offsets, std::int64_t heads) {
    const std::int64_t width = qkv.size(1) / 3;
    const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
    at::Tensor out = at::empty({qkv.size(0), width}, qkv.options());
    variable_list saved{qkv};
    for (std::int64_t p = 0; p < patients_of(*offsets); ++p) {
      const std::int64_t begin = (*offsets)[p], n = (*offsets)[p + 1] - begin;
      at::Tensor scores = at::bmm(part(qkv, begin, n, 0, heads), part(qkv, begin, n, 1, heads).transpose(1, 2)).mul_(scale);
      saved.push_back(at::_softmax(scores, 2, false));
      heads_of(out, begin, n, heads).copy_(at::bmm(saved.back(), part(qkv, begin, n, 2, heads)));
    }
    context->save_for_backward(saved);
    context->saved_data["offsets"] = *offsets;
    context->saved_data["heads"] = heads;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const Offsets offsets = context->saved_data["offsets"].toIntVector();
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const at::Tensor &qkv = saved[0], slope = upstream[0].contiguous();
    const double scale = 1 / std::sqrt(static_cast<double>(qkv.size(1) / 3 / heads));
    at::Tensor d_qkv = at::empty(qkv.sizes(), qkv.options());
    for (std::int64_t p = 0; p < patients_of(offsets); ++p) {
      const std::int64_t begin = offsets[p], n = offsets[p + 1] - begin;
      const at::Tensor& weight = saved[static_cast<std::size_t>(p) + 1];
      const at::Tensor d_out = heads_of(slope, begin, n, heads);
      part(d_qkv, begin, n, 2, heads).copy_(at::bmm(weight.transpose(1, 2), d_out));
      const at::Tensor d_weight = at::bmm(d_out, part(qkv, begin, n, 2, heads).transpose(1, 2));
      const at::Tensor d_scores = at::_softmax_backward_data(d_weight, weight, 2, at::kFloat).mul_(scale);
      part(d_qkv, begin, n, 0, heads).copy_(at::bmm(d_scores, part(qkv, begin, n, 1, heads)));
      part(d_qkv, begin, n, 1, heads).copy_(at::bmm(d_scores.transpose(1, 2), part(qkv, begin, n, 0, heads)));
    }
    return {d_qkv, at::Tensor(), at::Tensor()};
  }
};

class Window : public torch::autograd::Function<Window> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& values_in, const Offsets* offsets) {
    const at::Tensor values = values_in.contiguous();
    const auto width = static_cast<std::size_t>(values.size(1));
    at::Tensor out = at::zeros({values.size(0), 3 * values.size(1)}, values.options());
    const float* from = values.data_ptr<float>();
    float* to = out.data_ptr<float>();
    each(*offsets, [&](std::size_t row, int shift, std::size_t source) {
      std::memcpy(to + (3 * row + static_cast<std::size_t>(shift)) * width, from + source * width, width * sizeof(float));
    });
    context->saved_data["offsets"] = *offsets;
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const at::Tensor slope = upstream[0].contiguous();
    const auto width = static_cast<std::size_t>(slope.size(1) / 3);
    at::Tensor d_values = at::zeros({slope.size(0), slope.size(1) / 3}, slope.options());
    const float* from = slope.data_ptr<float>();
    float* to = d_values.data_ptr<float>();
    each(context->saved_data["offsets"].toIntVector(), [&](std::size_t row, int shift, std::size_t source) {
      const float* slice = from + (3 * row + static_cast<std::size_t>(shift)) * width;
      for (std::size_t d = 0; d < width; ++d) to[source * width + d] += slice[d];
    });
    return {d_values, at::Tensor()};
  }

 private:
  // visit(row, 0 … 2, the row it shows there), within patients.
  template <typename Visit>
  static void each(const Offsets& offsets, const Visit& visit) {
    for (std::size_t p = 0; p + 1 < offsets.size(); ++p)
      for (std::int64_t row = offsets[p]; row < offsets[p + 1]; ++row)
        for (int shift = 0; shift < 3; ++shift) {
          const std::int64_t source = row + shift - 1;
          if (source >= offsets[p] && source < offsets[p + 1]) visit(static_cast<std::size_t>(row), shift, static_cast<std::size_t>(source));
        }
  }
};

}  // namespace

at::Tensor ragged_pool(const at::Tensor& values, const at::Tensor& scores, const Offsets& offsets) { return Pool::apply(values, scores, &offsets); }

at::Tensor ragged_mean(const at::Tensor& values, const Offsets& offsets) {
  at::Tensor mean = at::zeros({patients_of(offsets), values.size(1)}, values.options());
  for (std::int64_t p = 0; p < patients_of(offsets); ++p)
    add_mean(values.data_ptr<float>() + offsets[p] * values.size(1), offsets[p + 1] - offsets[p], values.size(1), mean.data_ptr<float>() + p * values.size(1));
  return mean;
}

at::Tensor ragged_self_attention(const at::Tensor& qkv, const Offsets& offsets, std::int64_t heads) {
  return SelfAttention::apply(qkv, &offsets, heads);
}

at::Tensor ragged_window(const at::Tensor& values, const Offsets& offsets) { return Window::apply(values, &offsets); }

}  // namespace hepar::model
