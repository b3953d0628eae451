// SPDX-License-Identifier: Apache-2.0
#include "sharding/mpi/wire.hpp"

#include "data/base/text.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace hepar::mpi {

namespace {

constexpr std::size_t kMostUnsent = 1 << 16;  // to an end that takes nothing: what is older is of no more use

void unblocked(int socket) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
}

}  // namespace

Wire::Wire(int socket) : socket_(socket) {
  unblocked(socket_);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Wire::Wire(Wire&& other) noexcept : socket_(std::exchange(other.socket_, -1)), ended_(other.ended_), in_(std::move(other.in_)), out_(std::move(other.out_)) {}

Wire& Wire::operator=(Wire&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(ended_, other.ended_);
  in_.swap(other.in_);
  out_.swap(other.out_);
  return *this;
}

Wire::~Wire() {
  if (socket_ >= 0) ::close(socket_);
}

void Wire::say(const std::string& line) {
  if (!open() || out_.size() > kMostUnsent) return;
  out_ += line + "\n";
  const ssize_t sent = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
}

std::vector<std::string> Wire::heard() {
  std::array<char, 4096> block{};
  while (open()) {
    const ssize_t got = ::recv(socket_, block.data(), block.size(), MSG_DONTWAIT);
    if (got > 0) {
      in_.append(block.data(), static_cast<std::size_t>(got));
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else if (got == 0 || errno != EINTR) {
      ended_ = true;
    }
  }
  std::vector<std::string> lines;
  for (std::size_t end = in_.find('\n'); end != std::string::npos; end = in_.find('\n')) {
    lines.push_back(in_.substr(0, end));
    in_.erase(0, end + 1);
  }
  return lines;
}

Listener::Listener() {
  socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  socklen_t length = sizeof any;
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 || ::listen(socket_, 1024) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&any), &length) != 0) {
    const int reason = errno;
    if (socket_ >= 0) ::close(socket_);
    throw std::system_error(reason, std::generic_category());
  }
  unblocked(socket_);
  port_ = ntohs(any.sin_port);
}

Listener::~Listener() { ::close(socket_); }

// Networks first, the host's own address last: a rank elsewhere would find itself there.
std::string Listener::addresses() const {
  std::string all;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) first = nullptr;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || (one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text.data(), text.size());
    all += std::string(text.data()) + ":" + std::to_string(port_) + " ";
  }
  if (first != nullptr) ::freeifaddrs(first);
  return all + "127.0.0.1:" + std::to_string(port_);
}

std::optional<Wire> Listener::taken() const {
  const int caller = ::accept(socket_, nullptr, nullptr);
  if (caller < 0) return std::nullopt;
  return Wire(caller);
}

std::optional<Wire> call(const std::string& addresses, double seconds) {
  const std::vector<std::string> all = split(addresses, ' ');
  for (const std::string& one : all) {
    const std::size_t colon = one.find(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(one.substr(colon + 1))));
    if (::inet_pton(AF_INET, one.substr(0, colon).c_str(), &address.sin_addr) != 1) continue;
    Wire wire(::socket(AF_INET, SOCK_STREAM, 0));
    ::connect(wire.socket(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    pollfd writable{wire.socket(), POLLOUT, 0};
    const int patience = static_cast<int>(1000 * seconds / static_cast<double>(all.size()));
    int error = 0;
    socklen_t length = sizeof error;
    if (::poll(&writable, 1, patience) == 1 && ::getsockopt(wire.socket(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0) return wire;
  }
  return std::nullopt;
}

}  // namespace hepar::mpi
