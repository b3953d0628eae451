// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/raw.hpp"

#include "data/base/error.hpp"
#include "data/base/random.hpp"

#include <iconv.h>

#include <algorithm>

namespace hepar::synthetic {

void choose_raw(const Options& options, std::vector<Person>& people) {
  if (options.raw == 0) return;
  const auto n = static_cast<std::int64_t>(people.size());
  const std::vector<std::int64_t> order = keyed_order(n, {options.seed, 402});
  for (std::int64_t i = 0; i < n; ++i) {
    Person& p = people[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
    p.raw = i < options.raw;
    p.has_slide = p.has_slide && p.raw;
  }
}

std::string gb18030(const std::string& utf8) {
  const iconv_t converter = iconv_open("GB18030", "UTF-8");
  if (converter == reinterpret_cast<iconv_t>(-1))
    throw input_error("this machine's C library has no GB18030", {}, "install its locale modules (libc-bin, gconv)");
  std::string from = utf8, to(utf8.size() * 2 + 4, '\0');
  char *in = from.data(), *out = to.data();
  std::size_t in_left = from.size(), out_left = to.size();
  const bool whole = iconv(converter, &in, &in_left, &out, &out_left) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!whole) throw Error(ExitCode::bug, "a text of the generator has no GB18030");
  to.resize(to.size() - out_left);
  return to;
}

}  // namespace hepar::synthetic
