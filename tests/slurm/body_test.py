# SPDX-License-Identifier: Apache-2.0
"""slurm/survive.sh by itself, as a site would use it: one script that does as the case says stands for the program. HEPAR_LONG=1 adds
the longer half."""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster as c  # noqa: E402

PROGRAM = """#!/usr/bin/env bash
# program FOLDER WHAT…: does WHAT of its start's turn (the last one for all later starts), and leaves the status of it.
folder=$1; shift
mkdir -p "$folder"
turn=$(cat "$folder/turn" 2>/dev/null || echo 0); echo $((turn + 1)) >"$folder/turn"
[ "$turn" -ge $# ] && turn=$(($# - 1))
say() { echo "{\\"state\\":\\"$1\\",\\"class\\":\\"$2\\",\\"exit_code\\":$3,\\"step\\":$((turn * 10)),\\"generation\\":$(($(cat "$folder/turn")))}" >"$folder/status.json"; }
shift "$turn"
case "$1" in
  finish) touch "$folder/result"; say finished done 0 ;;
  stop) touch "$folder/step-$turn"; say stopped stopped 75; exit 75 ;;
  wait) say running running 0; trap 'touch "$folder/step-signal"; say stopped stopped 75; exit 75' USR2; for _ in $(seq 600); do sleep 0.1; done ;;
  die) say running running 0; kill -9 $$ ;;
  progress) touch "$folder/step-$turn"; say running running 0; kill -9 $$ ;;
  vanish) exit 0 ;;
  usage) say failed usage 2; exit 2 ;;
  missing) say failed rank 6; exit 6 ;;
esac
"""


def start(slurm, name, *what, options="", more=""):
    """A job whose program does `what`, start by start."""
    work = slurm.work
    (work / "program").write_text(PROGRAM)
    (work / "program").chmod(0o755)
    script = f"#SBATCH --requeue --open-mode=append -t 20 --signal=B:USR2@60 -o {work}/{name}.log {options}\n"
    script += f"task=${{SLURM_ARRAY_TASK_ID:-}}; here={work}/{name}$task; launch=({work}/program $here {' '.join(what)})\n"
    script += f"status=$here/status.json result=$here/result notes={work}/{name}.notes stop=USR2 lead=60 {more}\n"
    return slurm.sbatch(f"{name}.sh", script + (c.source / "slurm" / "survive.sh").read_text(), *options.split())


def log(slurm, name):
    path = slurm.work / f"{name}.log"
    return path.read_text() if path.exists() else ""


def starts(slurm, name):
    return re.findall(r" start \d+ on (\S+):", log(slurm, name))


def what_is_finished_ends(slurm):
    job_id = start(slurm, "good", "finish")
    slurm.wait_until_ended(job_id)
    assert len(starts(slurm, "good")) == 1


def what_stopped_goes_on(slurm):
    job_id = start(slurm, "stopped", "stop", "finish")
    slurm.run_again_now(job_id)
    slurm.wait_until_ended(job_id)
    assert len(starts(slurm, "stopped")) == 2 and "requeued to continue" in log(slurm, "stopped")


def the_shell_passes_the_signal_on(slurm):
    job_id = start(slurm, "signalled", "wait", "finish")
    slurm.wait_for("it works", lambda: (slurm.work / "signalled" / "status.json").exists())
    slurm.on("scancel", "-b", "-s", "USR2", job_id)
    slurm.run_again_now(job_id)
    slurm.wait_until_ended(job_id)
    assert "stopped on request" in log(slurm, "signalled")


def one_task_of_an_array_goes_back_alone(slurm):
    job_id = start(slurm, "array", "wait", "finish", options="--array=0-2")
    slurm.wait_for("all tasks work", lambda: len(list(slurm.work.glob("array?/status.json"))) == 3)
    last = max(int(one["ArrayTaskId"]) for one in slurm.jobs(job_id))
    slurm.on("scancel", "-b", "-s", "USR2", f"{job_id}_{last}")
    slurm.wait_for("the task is back in the queue", lambda: slurm.job(f"{job_id}_{last}")["JobState"] == "PENDING")
    assert [one["JobState"] for one in slurm.jobs(job_id)].count("RUNNING") == 2, slurm.jobs(job_id)
    slurm.on("scancel", job_id)


def three_starts_without_progress_end_it_each_on_another_node(slurm):
    job_id = start(slurm, "dies", "die")
    for _ in range(3):
        slurm.run_again_now(job_id)
    slurm.wait_until_ended(job_id, "FAILED")
    assert slurm.job(job_id)["ExitCode"].startswith("6:") and "three starts without progress" in log(slurm, "dies")
    nodes = starts(slurm, "dies")
    assert sorted(nodes) == ["n1", "n2", "n3"], nodes


def progress_is_counted_anew(slurm):
    job_id = start(slurm, "slow", "progress", "progress", "die", "progress", "finish")
    for _ in range(4):
        slurm.run_again_now(job_id)
    slurm.wait_until_ended(job_id)


def a_launcher_that_returns_0_without_a_status_is_not_believed(slurm):
    job_id = start(slurm, "vanished", "vanish", "vanish", "finish")
    slurm.run_again_now(job_id)
    slurm.wait_until_ended(job_id)
    assert "the launch failed (code 0), once more" in log(slurm, "vanished")


def what_cannot_get_better_is_not_tried_again(slurm):
    wrong, missing = start(slurm, "wrong", "usage"), start(slurm, "missing", "missing", more="again=no")
    for job_id, code in ((wrong, "2:"), (missing, "6:")):
        slurm.wait_until_ended(job_id, "FAILED")
        assert slurm.job(job_id)["ExitCode"].startswith(code) and slurm.job(job_id)["Restarts"] == "0", slurm.job(job_id)


CASES = [what_is_finished_ends, the_shell_passes_the_signal_on, one_task_of_an_array_goes_back_alone, what_cannot_get_better_is_not_tried_again]
if os.environ.get("HEPAR_LONG") == "1":
    CASES += [what_stopped_goes_on, a_launcher_that_returns_0_without_a_status_is_not_believed, progress_is_counted_anew, three_starts_without_progress_end_it_each_on_another_node]

with c.cluster(program_works=False) as slurm:
    for case in CASES:
        try:
            case(slurm)
        except BaseException:
            print("\n".join(f"{path.name}:\n{path.read_text()}" for path in slurm.work.glob("*.log")))
            raise
        print(f"{case.__name__}: passed", flush=True)
    print(f"{len(CASES)} passed, 0 failed")
