// SPDX-License-Identifier: Apache-2.0
// Launches as a cluster's nodes see them: the variables of each, as they were seen on a real Slurm.
#include "sharding/mpi/launch.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hepar::mpi {
namespace {

using Variables = std::map<std::string, std::string>;

Environment of(Variables variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

Variables with(Variables base, const Variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

// A job of 4 tasks on 2 nodes: its batch script, and what each launcher makes of it.
const Variables kBatch{{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}};
const Variables kSrunPmix = with(kBatch, {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"}, {"SLURM_PROCID", "3"}, {"SLURM_LOCALID", "1"}, {"PMIX_RANK", "3"}});
const Variables kSrunAlone = with(kBatch, {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"}, {"SLURM_PROCID", "3"}});
const Variables kMpirun = with(kBatch, {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}, {"PMIX_RANK", "3"}});

std::string problem(const Variables& variables, LaunchQuestion question = {}) {
  const std::optional<Error> found = launch_problem(of(variables), question);
  if (found) {
    EXPECT_EQ(found->code(), ExitCode::usage);
  }
  return found ? found->what() : "";
}

TEST(Launch, RankSizeAndLocalRankComeFromTheLaunchersOwnVariables) {
  const Launch srun = read_launch(of(kSrunPmix)), mpirun = read_launch(of(kMpirun)), bare = read_launch(of(kBatch));
  EXPECT_EQ(srun.launcher, "srun (PMIx)");
  EXPECT_EQ(srun.by, "PMIX_RANK");
  EXPECT_EQ(std::tuple(srun.rank, srun.size, srun.local_rank), std::tuple(3, 4, 1));
  EXPECT_EQ(mpirun.launcher, "mpirun (Open MPI)");
  EXPECT_EQ(mpirun.by, "OMPI_COMM_WORLD_RANK") << "Slurm's and PMIx's variables are there too and mean something else";
  EXPECT_EQ(std::tuple(mpirun.rank, mpirun.size, mpirun.local_rank), std::tuple(3, 4, 1));
  EXPECT_FALSE(bare.started());
  EXPECT_EQ(std::tuple(bare.rank, bare.size), std::tuple(0, 1));
  // On other nodes of a job mpirun's ranks see the step of its own daemon.
  EXPECT_EQ(read_launch(of(with(kMpirun, {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}))).size, 4);
}

TEST(Launch, RightOnesPass) {
  EXPECT_EQ(problem({}), "");
  EXPECT_EQ(problem(kSrunPmix), "");
  EXPECT_EQ(problem(kMpirun), "");
  EXPECT_EQ(problem(with(kMpirun, {{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_NTASKS", "1"}})), "") << "a rank on another node than mpirun";
  EXPECT_EQ(problem(with(kBatch, {{"SLURM_NTASKS", "1"}})), "");
  EXPECT_EQ(problem(with(kSrunAlone, {{"SLURM_STEP_NUM_TASKS", "1"}})), "") << "one task needs no MPI";
  EXPECT_EQ(problem(with(kSrunPmix, {{"SLURM_STEP_NUM_TASKS", "2"}})), "") << "a step may be smaller than its job";
  EXPECT_EQ(problem(with(kSrunPmix, {{"SLURM_GPUS_ON_NODE", "2"}})), "");
  EXPECT_EQ(problem(kBatch, {.parallel = false}), "") << "hepar status needs no ranks";
}

TEST(Launch, TasksThatDoNotKnowOfEachOtherAreRefused) {
  EXPECT_NE(problem(kSrunAlone).find("4 tasks without MPI"), std::string::npos);
  EXPECT_NE(problem(kSrunAlone).find("srun --mpi=pmix hepar"), std::string::npos);
  EXPECT_NE(problem(kSrunAlone, {.parallel = false}), "") << "any command would be done four times";
}

TEST(Launch, OneProcessInAJobOfManyTasksIsRefused) {
  EXPECT_NE(problem(kBatch).find("one process in a Slurm job of 4 tasks"), std::string::npos);
  EXPECT_NE(problem(kBatch).find("#SBATCH --ntasks=1"), std::string::npos);
}

TEST(Launch, APmiThatTheLibraryLacksIsRefusedBeforeItAborts) {
  const Variables pmi2 = with(kSrunAlone, {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}});
  EXPECT_NE(problem(pmi2, {.speaks_pmi = false}).find("--mpi=pmix"), std::string::npos);
  EXPECT_EQ(problem(pmi2, {.speaks_pmi = true}), "");
}

TEST(Launch, MpirunOnMoreOrFewerRanksThanTasksIsRefused) {
  EXPECT_NE(problem(with(kMpirun, {{"OMPI_COMM_WORLD_SIZE", "8"}})).find("share cores; #SBATCH --ntasks=8"), std::string::npos);
  EXPECT_NE(problem(with(kMpirun, {{"OMPI_COMM_WORLD_SIZE", "2"}})).find("idle; #SBATCH --ntasks=2"), std::string::npos);
  EXPECT_EQ(problem(with(kMpirun, {{"OMPI_COMM_WORLD_SIZE", "1"}}), {.parallel = false}), "");
}

TEST(Launch, MoreRanksThanDevicesOfANodeAreRefused) {
  EXPECT_NE(problem(with(kSrunPmix, {{"SLURM_GPUS_ON_NODE", "1"}})).find("2 ranks of a node would share 1 GPU; #SBATCH --ntasks-per-node=1"), std::string::npos);
  EXPECT_NE(problem(with(kMpirun, {{"SLURM_GPUS_ON_NODE", "1"}})), "");
}

TEST(Launch, AnExplicitWishBeatsDetection) {
  EXPECT_EQ(problem(with(kBatch, {{"HEPAR_LAUNCH", "as-is"}})), "");
  EXPECT_NE(problem({{"HEPAR_LAUNCH", "asis"}}).find("HEPAR_LAUNCH is 'asis'"), std::string::npos);
}

TEST(Launch, OnlyTheFirstProcessSpeaks) {
  EXPECT_FALSE(first_process(of(kSrunAlone)));
  EXPECT_TRUE(first_process(of(with(kSrunAlone, {{"SLURM_PROCID", "0"}}))));
  EXPECT_FALSE(first_process(of(kMpirun)));
  EXPECT_TRUE(first_process(of(kBatch)));
}

TEST(Launch, TheOnlyVisibleDeviceIsNamedAsTheNodeNamesIt) {
  EXPECT_EQ(only_device(of({{"CUDA_VISIBLE_DEVICES", "1"}})), "GPU 1");
  EXPECT_EQ(only_device(of({{"CUDA_VISIBLE_DEVICES", "0"}, {"SLURM_STEP_GPUS", "3"}})), "GPU 3") << "the site hides the others";
  EXPECT_EQ(only_device(of({{"CUDA_VISIBLE_DEVICES", "0,1"}})), "") << "chosen by local rank";
  EXPECT_EQ(only_device(of({})), "");
}

}  // namespace
}  // namespace hepar::mpi
