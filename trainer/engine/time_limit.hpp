// SPDX-License-Identifier: Apache-2.0
// How long the job that this process is part of may still run.
#pragma once

namespace hepar::engine {

// Until SLURM_JOB_END_TIME (seconds since 1970; Slurm sets it from 22.05 on, a job under an older one may export it); 0 when
// there is no limit that is known.
[[nodiscard]] double seconds_to_limit();

}  // namespace hepar::engine
