# SPDX-License-Identifier: Apache-2.0
"""Bad input: every folder beside this file is one case, found by listing. case.yaml holds
  base: table | features      a synthetic cohort to start from (or none)
  made: [store, run, validation]  what of that cohort is there already, at {store}, {run}, {validation}
  sharded: true               the case's own cohort made into {store}, once for all cases with the same tables
  disk: SIZE                  a tmpfs of that size at {disk}; the case is skipped where nothing can be mounted
  files: {path: content}      written into the case's folder; replace: {path: [[regex, text], …]}; remove: [path]; flip: [path] changes its middle byte
  shell: [commands]           run in the case's folder
  read_only: [paths]          mounted read-only for the command
  command: [words]            {cohort} {store} {run} {validation} {disk} {out} {case} {hepar} {python} are replaced
  results: PATH               where standard output goes
  file_size: BYTES            the largest file that the command may write
  silent: true                the results hold the errors, stderr has none
  changes: [paths]            files that a failed command may rewrite, such as a status.json
  ranks, exit, stderr (regex on one line), stdout (regex), exists: [paths], absent: [paths], holds: {path: regex in that file}
A failure prints exactly one `hepar: error:` line, lets no library speak, and leaves every file that was there with the same bytes. The table in README.md says which
case holds which kind of badness for which command; it is checked against the folders and against `hepar --help`.
usage: cases_test.py PROGRAM SOURCE_DIR [CASE...]"""
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import yaml

program, source = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
only = sys.argv[3:]
CASES = source / "tests" / "cases"
environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
SMALL = ["--set", "train.steps=2", "--set", "model.embedding=8", "--set", "model.fusion.width=8", "--set", "model.bag.width=8", "--set", "model.sequence.width=8",
         "--set", "model.sequence.heads=2", "--set", "model.sequence.hidden=8", "--set", "model.vector.hidden=8", "--set", "model.volume.channels=4"]


class Skipped(Exception):
    pass


def run(words, cwd=None, ranks=1, results=None, file_size=None):
    limit = ["prlimit", f"--fsize={file_size}"] if file_size else []
    launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    with open(results, "wb") if results else contextlib.nullcontext(subprocess.PIPE) as stdout:
        return subprocess.run(limit + launch + [str(w) for w in words], cwd=cwd, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace", timeout=300)


class Bases:
    """What a case may start from, made once and copied."""

    def __init__(self, folder):
        self.folder, self.made, self.lock = folder, set(), threading.RLock()

    def get(self, kind, what):
        path = self.folder / kind / what
        with self.lock:
            if path in self.made:
                return path
            command = {"cohort": lambda: ["synth", "--out", path, "--patients", "30", "--centres", "3", "--level", "tables" if kind == "table" else "features"],
                       "store": lambda: ["shard", "--cohort", self.get(kind, "cohort") / "cohort.yaml", "--out", path],
                       "run": lambda: ["train", "--store", self.get(kind, "store"), "--out", path, *SMALL],
                       "validation": lambda: ["validate", "--store", self.get(kind, "store"), "--out", path, "--set", "validation.min_events=1", *SMALL]}[what]()
            self.make(path, command)
        return path

    def sharded(self, cohort):
        """A store of a case's own tables; the experiment beside them is no part of it."""
        content = b"".join(p.name.encode() + p.read_bytes() for p in sorted(cohort.iterdir()) if p.is_file() and p.name != "experiment.yaml")
        path = self.folder / hashlib.sha256(content).hexdigest()[:16] / "store"
        with self.lock:
            if path not in self.made:
                self.make(path, ["shard", "--cohort", cohort / "cohort.yaml", "--out", path])
        return path

    def make(self, path, command):
        path.parent.mkdir(parents=True, exist_ok=True)
        done = run([program, *command])
        assert done.returncode == 0, (command, done.stderr)
        self.made.add(path)


class Mounts:
    """What a case mounts, unmounted again in any event."""

    def __init__(self):
        self.paths = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in reversed(self.paths):
            subprocess.run(["umount", str(path)], check=True)

    def mount(self, path, *words):
        if subprocess.run(["mount", *words, str(path)], capture_output=True).returncode != 0:
            raise Skipped("no right to mount")
        self.paths.append(path)

    def read_only(self, path):
        self.mount(path, "--bind", str(path))
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True, capture_output=True)


def filled(text, places):
    for name, path in places.items():
        text = text.replace("{" + name + "}", str(path))
    return text


def place_of(path, folder, places):
    """store/…, run/… and validation/… lie in the case's folder, everything else in the cohort that the case speaks of."""
    first = str(path).split("/")[0]
    return folder / path if first in ("store", "run", "validation") or not places["in_cohort"] else places["cohort"] / path


def mutate(case, folder, places):
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


def flip(folder, pattern):
    found = sorted(folder.glob(pattern))
    assert found, f"no file is called {pattern}"
    content = bytearray(found[0].read_bytes())
    content[len(content) // 2] ^= 1
    found[0].write_bytes(content)


def prepare(case, folder, bases, mounts):
    places = {"case": folder, "out": folder / "out", "hepar": program, "python": sys.executable, "disk": folder / "disk"}
    made = case.get("made") or []
    places["in_cohort"] = case.get("sharded") or "{cohort}" in str([case["command"], case.get("shell")])
    for what in ("cohort", "store", "run", "validation"):
        places[what] = folder / what
        if case.get("base") not in (None, "none") and (what == "cohort" or what in made):
            shutil.copytree(bases.get(case["base"], what), folder / what)
    if case.get("disk"):
        places["disk"].mkdir()
        mounts.mount(places["disk"], "-t", "tmpfs", "-o", f"size={case['disk']}", "tmpfs")
    mutate(case, folder, places)
    if case.get("sharded"):
        shutil.copytree(bases.sharded(places["cohort"]), places["store"])
    for pattern in case.get("flip") or []:
        flip(folder, pattern)
    for command in case.get("shell") or []:
        done = subprocess.run(filled(command, places), shell=True, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
    for path in case.get("read_only") or []:
        mounts.read_only(pathlib.Path(filled(path, places)))
    return places


def bytes_of(folder, except_for=()):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).digest() for p in sorted(folder.rglob("*"))
            if p.is_file() and not any(p.match(pattern) for pattern in except_for)}


def found(pattern, text, places):
    known = {name: re.escape(str(path)) for name, path in places.items()}
    return any(re.search(filled(pattern, known), line) for line in text.splitlines())


def judge(case, done, places, before):
    errors = [line for line in done.stderr.splitlines() if line.startswith("hepar: error:")]
    said = done.stderr.strip()[-400:]
    if done.returncode != case["exit"]:
        return f"exit {done.returncode}, not {case['exit']}: {said}"
    if case["exit"] not in (0, 75) and len(errors) != (0 if case.get("silent") else 1):
        return f"{len(errors)} error lines: {said}"
    if speech := re.search("HDF5-DIAG|[*][*] ERROR|terminate called", done.stderr):
        return f"a library speaks ({speech[0]}): {said}"
    if case.get("stderr") and not found(case["stderr"], done.stderr, places):
        return f"stderr lacks /{case['stderr']}/: {said}"
    if case.get("stdout") and not re.search(case["stdout"], done.stdout):
        return f"stdout lacks /{case['stdout']}/: {done.stdout.strip()[-400:]}"
    for path, pattern in {**dict.fromkeys(case.get("exists") or [], ""), **(case.get("holds") or {})}.items():
        target = next((place for place in (places["case"] / filled(str(path), places), places["out"] / str(path)) if place.exists()), None)
        if target is None:
            return f"{path} does not exist"
        if pattern and not re.search(pattern, target.read_text(encoding="utf-8")):
            return f"{path} lacks /{pattern}/: {target.read_text(encoding='utf-8')[-400:]}"
    if there := [path for path in case.get("absent") or [] if (places["out"] / path).exists()]:
        return f"{', '.join(there)} exists"
    after = bytes_of(places["case"]) if case["exit"] != 0 else before
    lost = [name for name, digest in before.items() if after.get(name) != digest]
    return f"changed what was there: {', '.join(lost)}" if lost else ""


def attempt(folder, work, bases):
    """The outcome of one case: nothing if it is as expected."""
    here = work / folder.name
    here.mkdir()
    case = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    try:
        with Mounts() as mounts:
            places = prepare(case, here, bases, mounts)
            before = bytes_of(here, case.get("changes") or ())
            words = [filled(str(word), places) for word in case["command"]]
            return judge(case, run([program, *words], cwd=here, ranks=case.get("ranks", 1), results=case.get("results"), file_size=case.get("file_size")), places, before)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return f"cannot be run: {error}"
    finally:
        shutil.rmtree(here, ignore_errors=True)


def table_problems(names):
    """What README.md's table says of each kind of badness: the cases, command by command, and the commands that cannot meet it."""
    helped = run([program, "--help"]).stdout
    commands = {match[1].split()[0] for match in re.finditer(r"^  ([a-z]+(?: [a-z]+)?)  +\S", helped, re.M)}
    rows = re.findall(r"^\| (?!kind |-)(.+?) \| (.+?) \| (.*?) ?\|$", (CASES / "README.md").read_text(encoding="utf-8"), re.M)
    assert commands and rows, "README.md has no table or the program names no command"
    problems = []
    for kind, cases, outside in rows:
        listed = re.findall(r"[a-z][a-z0-9-]+", cases)
        problems += [f"{kind}: there is no case {name}" for name in listed if name not in names]
        of = {yaml.safe_load((CASES / name / "case.yaml").read_text(encoding="utf-8"))["command"][0] for name in listed if name in names}
        excused = set(commands if outside == "others" else re.findall(r"[a-z]+", outside))
        problems += [f"{kind}: no case of {command}" for command in sorted(commands - of - excused)]
        if outside != "others":
            problems += [f"{kind}: {command} has a case and is said to have none" for command in sorted(of & excused)]
    return problems


def main():
    folders = sorted(p for p in CASES.iterdir() if (p / "case.yaml").exists())
    problems = [] if only else table_problems({p.name for p in folders})
    for problem in problems:
        print("FAILED README.md: " + problem)
    passed, failed, skipped = 0, len(problems), 0
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(2) as pool:
        work = pathlib.Path(temporary)
        bases = Bases(work / "bases")

        def timed(folder):
            start = time.monotonic()
            try:
                return attempt(folder, work, bases), time.monotonic() - start
            except Skipped as reason:
                return reason, 0.0

        chosen = [p for p in folders if not only or p.name in only]
        for folder, (problem, seconds) in zip(chosen, pool.map(timed, chosen)):
            verdict = "skipped" if isinstance(problem, Skipped) else "FAILED " if problem else "ok     "
            print(f"{verdict} {seconds:4.1f} s {folder.name}" + (f": {problem}" if problem else ""), flush=True)
            skipped, failed, passed = skipped + (verdict == "skipped"), failed + (verdict == "FAILED "), passed + (verdict == "ok     ")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


sys.exit(main())
