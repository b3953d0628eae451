// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/watch.hpp"

#include "data/base/machine.hpp"
#include "data/base/text.hpp"
#include "sharding/mpi/session.hpp"
#include "sharding/mpi/watch_ranks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <system_error>

namespace hepar::mpi {

namespace {

constexpr double kCallSeconds = 5;

// The two that all others talk to: the first rank, and one on another host where there is one.
std::vector<int> hubs_among(const std::vector<std::string>& hosts) {
  const auto other = std::find_if(hosts.begin(), hosts.end(), [&](const std::string& host) { return host != hosts.front(); });
  return {0, other == hosts.end() ? 1 : static_cast<int>(other - hosts.begin())};
}

// Who calls says who it is, with the word that only ranks of this program know.
std::string greeting(const std::string& word, int rank) { return "rank\t" + word + "\t" + std::to_string(rank); }

std::optional<Peer> greeted(Wire&& wire, const std::string& word, int ranks) {
  for (double waited = 0; waited < kCallSeconds && wire.open(); waited += 0.01) {
    for (const std::string& line : wire.heard()) {
      const std::vector<std::string> fields = split(line, '\t');
      if (fields.size() != 3 || fields[0] != "rank" || fields[1] != word) return std::nullopt;
      const auto rank = parse_integer(fields[2]);
      if (!rank || *rank < 0 || *rank >= ranks) return std::nullopt;
      return Peer{static_cast<int>(*rank), std::move(wire), Peer::Clock::now(), {}, false};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::nullopt;
}

// Everybody has called: those who wait, until all expected ones are there.
void take_calls(const Listener& listener, const std::string& word, int ranks, std::size_t expected, std::vector<Peer>& peers) {
  for (double waited = 0; waited < kCallSeconds && peers.size() < expected; waited += 0.01) {
    while (std::optional<Wire> caller = listener.taken())
      if (std::optional<Peer> peer = greeted(std::move(*caller), word, ranks)) peers.push_back(std::move(*peer));
    if (peers.size() < expected) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

Watch::Watch() = default;
Watch::~Watch() = default;

// Every rank has a line to `hub`, or some rank says here why not. Collective.
std::string Watch::Ranks::meet(int hub, const std::string& word, const Communicator& world) {
  std::string why;
  std::optional<Listener> listener;
  std::string addresses;
  if (hub == rank) {
    try {
      listener.emplace();
      addresses = listener->addresses();
    } catch (const std::system_error& error) {
      why = fmt::format("rank {} cannot listen: {}", rank, error.what());
    }
  }
  addresses = world.broadcast_text(addresses, hub);
  const bool has_line = hub == rank || (hub != 0 && rank == 0);  // the second hub has called the first
  if (!has_line && !addresses.empty()) {
    std::optional<Wire> wire = call(addresses, kCallSeconds);
    if (wire) {
      wire->say(greeting(word, rank));
      peers.push_back({hub, std::move(*wire), Peer::Clock::now(), {}, false});
    } else {
      why = fmt::format("rank {} on {} cannot reach rank {} on {} over TCP", rank, hosts[static_cast<std::size_t>(rank)], hub,
                        hosts[static_cast<std::size_t>(hub)]);
    }
  }
  world.barrier();
  if (!listener) return why;
  const std::size_t expected = peers.size() + static_cast<std::size_t>(world.size()) - (hub == 0 ? 1 : 2);
  take_calls(*listener, word, world.size(), expected, peers);
  return peers.size() == expected ? why : fmt::format("not every rank reached rank {} over TCP", hub);
}

std::string Watch::start(const Communicator& world) {
  std::unique_ptr<Ranks> made(new Ranks{*this, world.rank(), world.all_gather_texts(this_machine().host)});
  made->hubs = hubs_among(made->hosts);
  const std::string word = world.broadcast_text(world.root() ? fmt::format("{:08x}{:08x}", std::random_device{}(), std::random_device{}()) : "", 0);
  std::string why;
  for (const int hub : made->hubs)
    if (const std::string reason = made->meet(hub, word, world); why.empty()) why = reason;
  for (const std::string& reason : world.all_gather_texts(why))
    if (!reason.empty()) return reason;
  rank_ = world.rank();
  ranks_ = std::move(made);
  for (Peer& peer : ranks_->peers) peer.heard = Peer::Clock::now();
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are the main thread's
  ranks_->thread = std::jthread([state = ranks_.get()](const std::stop_token& stop) { state->run(stop); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

void Watch::leave(bool failing) {
  if (ranks_ == nullptr) return;
  if (ranks_->ending.exchange(true))
    while (true) ::pause();  // the watch has concluded, and ends this process
  ranks_->thread.request_stop();
  ranks_->thread.join();
  for (Peer& peer : ranks_->peers) peer.wire.say(failing ? "fails" : "leaves");  // the lines stay open until this process ends
}

Watch::Task Watch::on_loss(std::function<void(const Loss&)> work) {
  const std::lock_guard guard(lock_);
  tasks_.emplace_back(++tasks_begun_, std::move(work));
  return {*this, tasks_begun_};
}

Watch::Task Watch::on_loss_publish(StatusFile file, std::vector<int> members) {
  return on_loss([this, file, members](const Loss& loss) mutable {
    for (const int member : members) {
      if (std::find(loss.ranks.begin(), loss.ranks.end(), member) != loss.ranks.end() && member != rank_) continue;
      if (member != rank_) return;
      file.publish({.state = "failed",
                    .code = ExitCode::rank_failed,
                    .step = loss.step < 0 ? std::nullopt : std::optional(loss.step),
                    .rank = loss.ranks.front(),
                    .phase = loss.phase,
                    .message = loss.message,
                    .host = loss.host});
      return;
    }
  });
}

Watch::Task::~Task() {
  const std::lock_guard guard(watch_.lock_);
  std::erase_if(watch_.tasks_, [&](const auto& task) { return task.first == number_; });
}

void Watch::do_tasks(const Loss& loss) {
  const std::lock_guard guard(lock_);
  for (const auto& [number, work] : tasks_) {
    try {
      work(loss);
    } catch (const std::exception&) {
      // A disk that cannot take it, or a folder that is another job's by now: the message has been said.
    }
  }
}

}  // namespace hepar::mpi
