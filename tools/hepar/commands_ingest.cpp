// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/command.hpp"

namespace hepar::program {

void add_ingest_commands(Commands& list) {
  list.push_back(make_synth_command());
  list.push_back(make_cohort_check_command());
  list.push_back(make_shard_command());
  list.push_back(make_radiomics_command());
}

}  // namespace hepar::program
