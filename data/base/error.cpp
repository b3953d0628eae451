// SPDX-License-Identifier: Apache-2.0
#include "data/base/error.hpp"

#include <cerrno>
#include <cstring>

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

}  // namespace hepar
