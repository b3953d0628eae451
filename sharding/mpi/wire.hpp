// SPDX-License-Identifier: Apache-2.0
// Lines of text between ranks over TCP, beside MPI: never blocking, for the watch alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hepar::mpi {

// A connected socket. Lines go out whole or not at all; what comes in is kept until a line is complete.
class Wire {
 public:
  explicit Wire(int socket);
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&& other) noexcept;
  ~Wire();

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] bool open() const { return socket_ >= 0 && !ended_; }  // false: the other end closed, or the connection broke
  void say(const std::string& line);                                   // without the line's end
  [[nodiscard]] std::vector<std::string> heard();                      // complete lines that have come in

 private:
  int socket_;
  bool ended_ = false;
  std::string in_, out_;
};

// Takes calls from other ranks on a port that the system chooses.
class Listener {
 public:
  Listener();  // throws std::system_error
  Listener(const Listener&) = delete;
  ~Listener();
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] std::string addresses() const;      // "10.0.0.3:41234 127.0.0.1:41234": where this host may be reached
  [[nodiscard]] std::optional<Wire> taken() const;  // a caller who waits

 private:
  int socket_ = -1, port_ = 0;
};

// The first of `addresses` that answers within `seconds`; nullopt when none does.
[[nodiscard]] std::optional<Wire> call(const std::string& addresses, double seconds);

}  // namespace hepar::mpi
