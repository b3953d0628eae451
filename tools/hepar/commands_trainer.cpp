// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/command.hpp"

namespace hepar::program {

void add_trainer_commands(Commands& list) {
  list.push_back(make_train_command());
  list.push_back(make_validate_command());
  list.push_back(make_sweep_command());
  list.push_back(make_predict_command());
  list.push_back(make_evaluate_command());
  list.push_back(make_report_command());
  list.push_back(make_stats_command());
  list.push_back(make_plan_command());
  list.push_back(make_bench_command());
}

}  // namespace hepar::program
