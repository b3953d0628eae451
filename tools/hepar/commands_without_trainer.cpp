// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/command.hpp"

namespace hepar::program {

void add_trainer_commands(Commands&) {}

}  // namespace hepar::program
