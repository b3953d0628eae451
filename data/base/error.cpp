// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"

#include "data/base/results.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>

namespace hepar {

namespace {

std::string message_of(const std::string& what, const std::string& where, const std::string& remedy) {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

std::string remedy_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free space there (or raise the quota) and run the same command again to continue";
    case EFBIG:
      return "raise the limit of a file's size (ulimit -f) and run the same command again to continue";
    case EROFS:
    case EACCES:
    case EPERM:
      return "make the folder writable or choose another one";
    case EIO:
      return "the disk or network file system failed; nothing published before is lost";
    default:
      return "run the same command again once the file system is well";
  }
}

}  // namespace

std::string Place::text() const {
  if (file.empty()) return {};
  return line > 0 ? file + ":" + std::to_string(line) : file;
}

Error::Error(ExitCode code, const std::string& what, const std::string& where, const std::string& remedy)
    : std::runtime_error(message_of(what, where, remedy)), code_(code) {}

Error Error::within(std::string_view circumstance) const {
  return Error(Whole{}, code_, std::string(circumstance) + ": " + what());
}

Error usage_error(const std::string& what, const Place& where, const std::string& remedy) {
  return Error(ExitCode::usage, what, where.text(), remedy);
}
Error input_error(const std::string& what, const Place& where, const std::string& remedy) {
  return Error(ExitCode::input, what, where.text(), remedy);
}
Error store_error(const std::string& what, const Place& where, const std::string& remedy) {
  return Error(ExitCode::store, what, where.text(), remedy);
}
Error disk_error(const std::string& what, const Place& where) {
  const int number = errno;
  const std::string reason = number != 0 ? what + ": " + std::strerror(number) : what;
  return Error(ExitCode::disk, reason, where.text(), remedy_for(number));
}

Error as_error(const std::exception& failure) {
  if (const auto* known = dynamic_cast<const Error*>(&failure)) return *known;
  if (const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&failure)) {
    errno = files->code().value();
    return disk_error("the file system refused", {files->path1().string()});
  }
  // How fmt::print tells that standard output is full.
  if (const auto* system = dynamic_cast<const std::system_error*>(&failure); system != nullptr && std::ferror(stdout) != 0) {
    errno = system->code().value();
    return results_error();
  }
  const std::string text = failure.what();
  const std::string line = text.substr(0, text.find('\n'));  // LibTorch adds its stack
  // LibTorch has an exception of its own for a failed allocation, told apart by its words alone.
  const bool memory = dynamic_cast<const std::bad_alloc*>(&failure) != nullptr || line.find("allocate memory") != std::string::npos;
  if (memory) return Error(ExitCode::training, "out of memory", {}, "use fewer slots at once (resources.slots_at_once) or a smaller train.bag_cap");
  return Error(ExitCode::bug, line, {}, "this is a bug: please report it with the command and this line");
}

}  // namespace hepar
