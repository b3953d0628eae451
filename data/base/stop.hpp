// SPDX-License-Identifier: Apache-2.0
// The wish to stop: SIGUSR2 (SIGUSR1 alike) and SIGTERM set a flag and do nothing else; the trainer's step carries it.
#pragma once

namespace hepar {

void install_stop_signals();               // first thing in main, before MPI
[[nodiscard]] bool stop_requested();

}  // namespace hepar
