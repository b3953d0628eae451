// SPDX-License-Identifier: Apache-2.0
// What a command says on standard output: scripts go by it, so that losing it is a failure of the command.
#pragma once

#include "data/base/error.hpp"

namespace hepar {

[[nodiscard]] Error results_error();  // errno is read at the call
void finish_results();                // hands over what was printed; throws results_error when any of it was lost

}  // namespace hepar
