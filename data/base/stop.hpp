// SPDX-License-Identifier: Apache-2.0
// The wish to stop: SIGUSR2 (SIGUSR1 alike) sets a flag and does nothing else; long work asks for it at its borders.
// HEPAR_DEADLINE (seconds since 1970 at which the job ends, set by job scripts) is the same wish, made early enough for a stop:
// by what stops were measured to take here, or until then by HEPAR_STOP_LEAD seconds.
// SIGTERM keeps its default: launchers kill about a second after it, too short for a checkpoint; published files are whole.
#pragma once

namespace hepar {

void install_stop_signals();               // first thing in main, before MPI
[[nodiscard]] bool stop_requested();      // by a signal or the deadline
[[nodiscard]] bool stop_signalled();      // by a signal: for ranks that measure no stops and leave the deadline to one that does
void stop_takes(double seconds);           // a checkpoint and the step before it, as measured; the longest counts. Any thread

}  // namespace hepar
