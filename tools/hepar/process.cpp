// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/process.hpp"

#include "data/base/error.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

extern char** environ;

namespace hepar::program {

namespace {

// The files of the child: stdout and stderr into one pipe.
class Redirection {
 public:
  Redirection() {
    if (::pipe(ends_.data()) != 0) throw Error(ExitCode::bug, "no pipe to another program");
    posix_spawn_file_actions_init(&actions_);
    for (const int target : {STDOUT_FILENO, STDERR_FILENO}) posix_spawn_file_actions_adddup2(&actions_, ends_[1], target);
    for (const int end : ends_) posix_spawn_file_actions_addclose(&actions_, end);
  }
  Redirection(const Redirection&) = delete;
  ~Redirection() {
    posix_spawn_file_actions_destroy(&actions_);
    for (const int end : ends_)
      if (end >= 0) ::close(end);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] std::string read_to_end() {
    ::close(ends_[1]);
    ends_[1] = -1;
    std::string text;
    std::array<char, 4096> piece{};
    while (true) {
      const ssize_t n = ::read(ends_[0], piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return text;
      text.append(piece.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

std::optional<Answer> ask(const std::vector<std::string>& words) {
  std::vector<char*> arguments, variables;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("OMPI_COMM_") && !text.starts_with("PMIX_") && !text.starts_with("PMI_")) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  Redirection redirection;
  pid_t child = 0;
  if (::posix_spawnp(&child, arguments.front(), redirection.actions(), nullptr, arguments.data(), variables.data()) != 0) return std::nullopt;
  Answer answer{0, redirection.read_to_end()};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return answer;
}

}  // namespace hepar::program
