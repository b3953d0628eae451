// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/watch_ranks.hpp"

#include "data/base/text.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace hepar::mpi {

namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kBeat{500};
constexpr double kTurnSeconds = 0.1;
constexpr seconds kSilence{10};       // until a rank that says nothing is lost
constexpr seconds kNearlySilence{8};  // and those that went quiet with it (a node)
constexpr seconds kOwnGap{3};         // this thread did not run for so long: what it has not heard says nothing
constexpr milliseconds kGrace{100};   // a launcher that ends all ranks does not do so in one moment
constexpr seconds kSecondSpeaker{2};  // when the first has not spoken
constexpr seconds kLastExit{5};       // when MPI_Abort, or a launcher, does not end this process
constexpr seconds kAfterFailure{15};  // of another rank, which should have ended this one

// A line's fields are parted by tabs, and a patient's id may hold anything.
std::string one_field(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return text;
}

std::string beat_line(const Doing& doing) {
  return fmt::format("beat\t{}\t{}\t{}\t{}\t{}\t{}", one_field(doing.phase), one_field(doing.subject), doing.step, doing.idle_seconds, doing.limit_seconds,
                     doing.waiting ? 1 : 0);
}

std::string loss_line(const Loss& loss) {
  std::string ranks;
  for (const int rank : loss.ranks) ranks += (ranks.empty() ? "" : " ") + std::to_string(rank);
  return fmt::format("loss\t{}\t{}\t{}\t{}\t{}", ranks, loss.host, one_field(loss.phase), loss.step, one_field(loss.message));
}

Loss read_loss(const std::vector<std::string>& fields) {
  Loss loss{{}, fields.at(2), fields.at(3), fields.at(5), std::stoll(fields.at(4)), false};
  for (const std::string& rank : split(fields.at(1), ' ')) loss.ranks.push_back(std::stoi(rank));
  return loss;
}

// Nothing that hangs (a disk, a library's lock) may keep this process alive.
void end_surely() {
  std::thread([] {
    std::this_thread::sleep_for(kLastExit);
    ::_exit(static_cast<int>(ExitCode::rank_failed));
  }).detach();
}

}  // namespace

void Watch::Ranks::run(const std::stop_token& stop) {
  auto said = Clock::now(), before = said;
  while (!stop.stop_requested()) {
    listen(kTurnSeconds);
    const auto now = Clock::now();
    if (now - before > kOwnGap)
      for (Peer& peer : peers) peer.heard = now;  // this process was stopped, and has not listened
    before = now;
    if (now - said > kBeat) {
      said = now;
      const std::string beat = beat_line(watch.activity_.now());
      for (Peer& peer : peers) peer.wire.say(beat);
    }
    if (!ending) judge();
  }
}

void Watch::Ranks::listen(double patience) {
  std::vector<pollfd> sockets;
  for (const Peer& peer : peers) sockets.push_back({peer.wire.open() ? peer.wire.socket() : -1, POLLIN, 0});
  ::poll(sockets.data(), sockets.size(), static_cast<int>(1000 * patience));
  for (Peer& peer : peers)
    for (const std::string& line : peer.wire.heard()) take(peer, line);
}

void Watch::Ranks::take(Peer& peer, const std::string& line) {
  peer.heard = Clock::now();
  const std::vector<std::string> fields = split(line, '\t');
  if (fields.front() == "beat" && fields.size() == 7)
    peer.doing = {fields[1], fields[2], std::stoll(fields[3]), std::stod(fields[4]), std::stod(fields[5]), fields[6] == "1"};
  if (fields.front() == "leaves") peer.leaving = true;
  if (fields.front() == "fails") peer.leaving = true, failing = peer.heard;
  if (fields.front() == "loss" && fields.size() == 6) conclude(read_loss(fields));
}

std::string Watch::Ranks::unheard(const Peer& peer) const {
  if (peer.leaving) return {};
  if (!peer.wire.open()) return "died";
  const auto silent = Clock::now() - peer.heard;
  const bool one_is_lost = suspected.has_value();
  if (silent > kSilence || (one_is_lost && silent > kNearlySilence))
    return fmt::format("has been silent for {:.0f} s (stopped, or cut off)", duration<double>(silent).count());
  return {};
}

// The first hub speaks; the second when the first is gone or does not; any rank when both are. One that stalls still speaks.
bool Watch::Ranks::speaks(Clock::duration since) const {
  const auto is_gone = [&](int one) {
    return std::any_of(peers.begin(), peers.end(), [&](const Peer& peer) { return peer.rank == one && !unheard(peer).empty(); });
  };
  for (const int hub : hubs) {
    if (hub == rank) return true;
    if (!is_gone(hub)) return since > kSecondSpeaker && rank == hubs.back();
  }
  return true;
}

void Watch::Ranks::judge() {
  if (failing && Clock::now() - *failing > kAfterFailure) ::_exit(static_cast<int>(ExitCode::rank_failed));
  const Doing mine = watch.activity_.now();
  Loss loss;
  std::string how, last;
  const auto note = [&](int who, const std::string& trouble, const Doing& doing) {
    if (trouble.empty()) return;
    if (loss.ranks.empty())
      how = trouble, last = doing.text(), loss.host = hosts[static_cast<std::size_t>(who)], loss.phase = doing.phase, loss.step = doing.step;
    loss.ranks.push_back(who);
  };
  const auto stall = [](const Doing& doing) { return doing.stalled() ? fmt::format("has made no progress for {:.0f} s", doing.idle_seconds) : std::string(); };
  for (const Peer& peer : peers) note(peer.rank, unheard(peer), peer.doing);
  for (const Peer& peer : peers)
    if (unheard(peer).empty() && !peer.leaving) note(peer.rank, stall(peer.doing), peer.doing);
  note(rank, stall(mine), mine);
  if (loss.ranks.empty()) {
    suspected.reset();
    return;
  }
  if (!suspected) suspected = Clock::now();
  const auto since = Clock::now() - *suspected;
  if (since < kGrace || !speaks(since)) return;
  std::string others;
  for (std::size_t i = 1; i < loss.ranks.size(); ++i) others += fmt::format("{}{}", others.empty() ? "" : ", ", loss.ranks[i]);
  loss.message = fmt::format("rank {} of {} on {} {}{}{}; run the same command again to continue", loss.ranks.front(), hosts.size(), loss.host, how,
                             last.empty() ? "" : ", last seen in " + last,
                             others.empty() ? "" : "; with it rank" + std::string(loss.ranks.size() > 2 ? "s " : " ") + others);
  loss.speaker = true;
  conclude(std::move(loss));
}

void Watch::Ranks::conclude(Loss loss) {
  if (ending.exchange(true)) return;  // this rank ends by itself
  end_surely();
  if (loss.speaker) {
    const std::string line = "hepar: error: " + loss.message + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
    for (Peer& peer : peers) peer.wire.say(loss_line(loss));
  }
  watch.do_tasks(loss);
  if (loss.speaker) {
    std::this_thread::sleep_for(kGrace);  // the others write what they have to
    int threads = MPI_THREAD_SINGLE;
    MPI_Query_thread(&threads);
    if (threads == MPI_THREAD_MULTIPLE) MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::rank_failed));
  }
  while (true) ::pause();  // until the launcher or end_surely ends this process
}

}  // namespace hepar::mpi
