# SPDX-License-Identifier: Apache-2.0
"""Bad input: every folder beside this file is one case, found by listing. case.yaml holds
  base: table | features      a synthetic cohort to start from (or none)
  made: [store, run, validation]  what of that cohort is there already, at {store}, {run}, {validation}
  files: {path: content}      written into the case's folder; replace: {path: [[regex, text], …]}; remove: [path]
  shell: [commands]           run in the case's folder
  command: [words]            {cohort} {store} {run} {validation} {out} {case} {hepar} are replaced
  silent: true                the results hold the errors, stderr has none
  ranks, exit, stderr (regex on one line), stdout (regex), exists: [paths]
A failure prints exactly one `hepar: error:` line."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
only = sys.argv[3:]
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
SMALL = ["--set", "train.steps=2", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.bag.width=8", "--set", "model.sequence.width=8",
         "--set", "model.sequence.heads=2", "--set", "model.sequence.hidden=8", "--set", "model.vector.hidden=8", "--set", "model.volume.channels=4"]


def run(words, cwd=None, ranks=1):
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    return subprocess.run(launch + [str(w) for w in words], cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", timeout=300)


class Bases:
    """What a case may start from, made once and copied."""

    def __init__(self, folder):
        self.folder, self.made = folder, set()

    def get(self, kind, what):
        path = self.folder / kind / what
        if path in self.made:
            return path
        command = {"cohort": lambda: ["synth", "--out", path, "--patients", "30", "--centres", "3", "--level", "tables" if kind == "table" else "features"],
                   "store": lambda: ["shard", "--cohort", self.get(kind, "cohort") / "cohort.yaml", "--out", path],
                   "run": lambda: ["train", "--store", self.get(kind, "store"), "--out", path, *SMALL],
                   "validation": lambda: ["validate", "--store", self.get(kind, "store"), "--out", path, "--set", "validation.min_events=1", *SMALL]}[what]()
        path.parent.mkdir(parents=True, exist_ok=True)
        done = run([program, *command])
        assert done.returncode == 0, (command, done.stderr)
        self.made.add(path)
        return path


def filled(text, places):
    for name, path in places.items():
        text = text.replace("{" + name + "}", str(path))
    return text


def place_of(path, folder, places):
    """store/…, run/… and validation/… lie in the case's folder, everything else in the cohort that the case speaks of."""
    first = str(path).split("/")[0]
    return folder / path if first in ("store", "run", "validation") or not places["in_cohort"] else places["cohort"] / path


def prepare(case, folder, bases):
    places = {"case": folder, "out": folder / "out", "hepar": program}
    made = case.get("made") or []
    places["in_cohort"] = "{cohort}" in str([case["command"], case.get("shell")])
    for what in ("cohort", "store", "run", "validation"):
        places[what] = folder / what
        if case.get("base") not in (None, "none") and (what == "cohort" or what in made):
            shutil.copytree(bases.get(case["base"], what), folder / what)
    for path, content in (case.get("files") or {}).items():
        target = place_of(path, folder, places)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    for path, changes in (case.get("replace") or {}).items():
        target = place_of(path, folder, places)
        content = target.read_text(encoding="utf-8")
        for pattern, replacement in changes:
            content, n = re.subn(pattern, replacement, content, flags=re.M)
            assert n > 0, f"nothing in {path} matches {pattern}"
        target.write_text(content, encoding="utf-8")
    for path in case.get("remove") or []:
        target = place_of(path, folder, places)
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    for command in case.get("shell") or []:
        done = subprocess.run(filled(command, places), shell=True, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
    return places


def judge(case, done, places):
    errors = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
    if done.returncode != case["exit"]:
        return f"exit {done.returncode}, not {case['exit']}: {done.stderr.strip()[-300:]}"
    if case["exit"] not in (0, 75) and len(errors) != (0 if case.get("silent") else 1):
        return f"{len(errors)} error lines: {done.stderr.strip()[-300:]}"
    if case.get("stderr") and not any(re.search(filled(case["stderr"], {k: re.escape(str(v)) for k, v in places.items()}), line) for line in done.stderr.splitlines()):
        return f"stderr lacks /{case['stderr']}/: {done.stderr.strip()[-300:]}"
    if case.get("stdout") and not re.search(case["stdout"], done.stdout):
        return f"stdout lacks /{case['stdout']}/: {done.stdout.strip()[-300:]}"
    for path in case.get("exists") or []:
        target = pathlib.Path(filled(str(path), places))
        if not (target if target.is_absolute() else places["case"] / target).exists() and not (places["out"] / str(path)).exists():
            return f"{path} does not exist"
    return ""


passed = failed = 0
with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    bases = Bases(work / "bases")
    for folder in sorted(p for p in (source / "tests" / "cases").iterdir() if (p / "case.yaml").exists() and (not only or p.name in only)):
        here = work / folder.name
        here.mkdir()
        case = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
        try:
            places = prepare(case, here, bases)
            words = [filled(str(word), places) for word in case["command"]]
            problem = judge(case, run([program, *words], cwd=here, ranks=case.get("ranks", 1)), places)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            problem = f"cannot be run: {error}"
        print(("FAILED " if problem else "ok     ") + folder.name + (f": {problem}" if problem else ""))
        passed, failed = passed + (not problem), failed + bool(problem)
        shutil.rmtree(here, ignore_errors=True)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or passed == 0 else 0)
