// SPDX-License-Identifier: Apache-2.0
// The wish to stop: SIGUSR2 (SIGUSR1 alike) sets a flag and does nothing else; long work asks for it at its borders.
// HEPAR_DEADLINE (seconds since 1970, set by job scripts) is the same wish, made beforehand.
// SIGTERM keeps its default: launchers kill about a second after it, too short for a checkpoint; published files are whole.
#pragma once

namespace hepar {

void install_stop_signals();               // first thing in main, before MPI
[[nodiscard]] bool stop_requested();

}  // namespace hepar
