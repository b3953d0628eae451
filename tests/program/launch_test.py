# SPDX-License-Identifier: Apache-2.0
"""How the program starts and ends: alone, under mpirun, and with every kind of wrong command line."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]


def run(*arguments, ranks=0, env=None):
    command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] if ranks else []
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HEPAR_", "OPENBLAS_", "SLURM_"))}
    return subprocess.run(command + [PROGRAM, *arguments], capture_output=True, text=True, timeout=120, env={**clean, **(env or {})})


def errors(done):
    return [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]


class Launch(unittest.TestCase):
    def test_alone_it_is_a_world_of_one_with_pinned_variables(self):
        done = run("doctor", "--json")
        found = {check["check"]: check for check in json.loads(done.stdout)}
        self.assertIn("1 rank from no launcher", found["MPI launch"]["found"])
        self.assertEqual(found["pinned variables"]["state"], "PASS")
        self.assertEqual(done.returncode, 2 if any(c["state"] == "FAIL" for c in found.values()) else 0)

    def test_every_library_of_the_build_says_its_version(self):
        found = {check["check"]: check["found"] for check in json.loads(run("doctor", "--json").stdout)}
        for library in ("Open MPI", "LibTorch", "HDF5", "OpenSlide", "DCMTK", "OpenSSL"):
            self.assertRegex(found["libraries"], rf"{library} \D*\d+[.\d]*")
        self.assertNotIn("not in this build", found["libraries"])

    def test_other_pins_of_the_user_do_not_survive(self):
        done = run("doctor", "--json", env={"OPENBLAS_NUM_THREADS": "8", "ATEN_CPU_CAPABILITY": "default"})
        self.assertEqual({c["check"]: c["state"] for c in json.loads(done.stdout)}["pinned variables"], "PASS")

    def test_under_mpirun_it_is_one_world_and_rank_0_answers(self):
        done = run("doctor", "--json", ranks=2)
        found = {check["check"]: check for check in json.loads(done.stdout)}
        self.assertIn("2 ranks from mpirun", found["MPI launch"]["found"])
        self.assertEqual(done.returncode, 0)

    def test_an_unwritable_folder_fails_with_its_fix(self):
        done = run("doctor", "--folder", "/proc/nowhere", "--json")
        self.assertEqual(done.returncode, 2)
        broken = [c for c in json.loads(done.stdout) if c["state"] == "FAIL"]
        self.assertTrue(broken and all(c["fix"] for c in broken))

    def test_slurm_tasks_without_mpi_are_refused(self):
        done = run("doctor", env={"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("--mpi=pmix", done.stderr)

    def test_one_process_in_a_job_of_four_tasks_is_refused_where_ranks_share_the_work(self):
        job = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"}
        done = run("train", "--store", "s", "--out", "r", env=job)
        self.assertEqual(done.returncode, 2)
        self.assertIn("srun --mpi=pmix hepar", errors(done)[0])
        self.assertEqual(run("doctor", env=job).returncode, run("doctor").returncode)
        self.assertNotIn("Slurm", run("train", "--store", "/nowhere", "--out", "r", env={**job, "HEPAR_LAUNCH": "as-is"}).stderr)

    def test_another_program_or_configuration_on_a_rank_is_refused_before_it_works(self):
        with tempfile.TemporaryDirectory() as scratch:
            copy = os.path.join(scratch, "hepar")
            with open(PROGRAM, "rb") as original, open(copy, "wb") as changed:
                changed.write(original.read() + b"\0")
            os.chmod(copy, 0o755)
            words = ["train", "--store", "s", "--out", os.path.join(scratch, "r")]
            for other, what in (([copy, *words], "the program is another on rank 1"), ([PROGRAM, *words, "--set", "seed=2"], "the configuration is another on rank 1")):
                done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "1", PROGRAM, *words, ":", "-n", "1", *other], capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(len(errors(done)), 1, done.stderr)
                self.assertIn(what, done.stderr)
                self.assertFalse(os.path.exists(os.path.join(scratch, "r")))

    def test_an_agreed_error_is_one_line_and_keeps_its_code(self):
        for ranks in (0, 2):
            done = run("doctr", ranks=ranks)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(errors(done), ["hepar: error: unknown command 'doctr'; did you mean 'doctor'?"])
            self.assertEqual(done.stdout, "")

    def test_wrong_options_name_their_neighbours(self):
        for arguments, part in ((["doctor", "--foldr", "x"], "did you mean '--folder'?"), (["doctor", "stray"], "'stray' is no option"), (["doctor", "--set", "foldr=x"], "did you mean 'folder'?"),
                                (["doctor", "--config", "x.yaml"], "unknown option '--config'"), (["doctor", "--folder"], "folder"), (["completion", "zsh"], "bash")):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(len(errors(done)), 1, done.stderr)
            self.assertIn(part, done.stderr)


class Pages(unittest.TestCase):
    def setUp(self):
        self.reference = run("reference").stdout
        self.commands = re.findall(r"^## hepar (.+)$", self.reference, re.M)

    def test_the_overview_lists_every_command(self):
        for arguments in ([], ["--help"], ["help"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0)
            for command in self.commands:
                self.assertIn(f"  {command} ", done.stdout)

    def test_every_row_has_one_name_and_a_meaning(self):
        for section in self.reference.split("\n## hepar ")[1:]:
            rows = re.findall(r"^\| `--(\S+)` \| (.*?) \| (.*?) \|", section, re.M)
            names = [name for name, _, _ in rows]
            self.assertEqual(len(names), len(set(names)), section[:40])
            self.assertFalse({"help", "quiet", "json", "set", "config", "words"} & set(names), "a row takes a name that every command has")
            for name, meaning, kind in rows:
                self.assertTrue(meaning.strip() and kind.strip(), f"--{name} is not explained")
            self.assertRegex(section, r"\n    (mpirun -n \d+ |srun )?hepar ", "an example")

    def test_help_fits_two_screens_and_ends_with_the_example(self):
        for command in self.commands:
            text = run(*command.split(), "--help").stdout.rstrip("\n").splitlines()
            self.assertLessEqual(len(text), 100, command)
            self.assertTrue(text[-1].startswith("example: "), command)

    def test_every_command_refuses_an_option_it_does_not_know(self):
        for command in self.commands:
            done = run(*command.split(), "--colour-of-the-door", "red")
            self.assertEqual(done.returncode, 2, command)
            self.assertEqual(len(errors(done)), 1, done.stderr)
            self.assertIn("--colour-of-the-door", errors(done)[0], command)

    def test_completion_is_valid_bash_and_completes(self):
        script = run("completion", "bash").stdout
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
            file.write(script + '\nCOMP_WORDS=(hepar doctor --fo); COMP_CWORD=2; _hepar; echo "${COMPREPLY[@]}"\nCOMP_WORDS=(hepar doc); COMP_CWORD=1; _hepar; echo "${COMPREPLY[@]}"\n')
            file.flush()
            done = subprocess.run(["bash", file.name], capture_output=True, text=True, cwd=tempfile.gettempdir())
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split(), ["--folder", "doctor"])

    def test_the_version_is_the_builds(self):
        self.assertRegex(run("--version").stdout, r"^hepar \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
