// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/command.hpp"

namespace hepar::program {

Commands commands() {
  Commands list;
  list.push_back(make_doctor_command());
  add_ingest_commands(list);
  list.push_back(make_inspect_command());
  add_trainer_commands(list);
  list.push_back(make_submit_command());
  list.push_back(make_status_command());
  return list;
}

}  // namespace hepar::program
