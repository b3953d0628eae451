// SPDX-License-Identifier: Apache-2.0
#include "trainer/collective/collective.hpp"

#include "sharding/mpi/watch.hpp"

#include <limits>

namespace hepar::collective {

namespace {

std::string text_of(Collective& group, const std::string& text, int root) {
  auto length = static_cast<std::int64_t>(text.size());
  group.broadcast(std::as_writable_bytes(std::span(&length, 1)), root);  // lengths may differ over ranks
  std::string out = group.rank() == root ? text : std::string(static_cast<std::size_t>(length), '\0');
  group.broadcast(std::as_writable_bytes(std::span(out.data(), out.size())), root);
  return out;
}

}  // namespace

Collective::Collective(mpi::Standing standing) : standing_(std::move(standing)) {
  if (standing_.watch == nullptr) standing_ = {std::make_shared<mpi::Watch>(), {0}};
}

std::string broadcast_text(Collective& group, const std::string& text) { return text_of(group, text, 0); }

void agree(Collective& group, const std::optional<Error>& mine) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::int64_t first = mine ? -group.rank() : -kNone;
  group.all_reduce_max(std::span(&first, 1));
  if (first == -kNone) return;
  const int failing = static_cast<int>(-first);
  std::int64_t code = mine ? static_cast<std::int64_t>(mine->code()) : 0;
  group.broadcast(std::as_writable_bytes(std::span(&code, 1)), failing);
  const std::string message = text_of(group, mine ? mine->what() : "", failing);
  throw AgreedError(Error(static_cast<ExitCode>(code), message), group.whole(), group.rank() == failing);
}

void together(Collective& group, const std::function<void()>& work) {
  std::optional<Error> mine;
  try {
    work();
  } catch (const std::exception& error) {
    mine = as_error(error);  // a library's exception too: the others wait in the reduction
  }
  agree(group, mine);
}

}  // namespace hepar::collective
