# SPDX-License-Identifier: Apache-2.0
"""Every reader of foreign files meets FUZZ_SECONDS of made-up ones (600 in `tools/check --long`): no crash, hang, leak or giant allocation.
usage: fuzz_test.py PROGRAM SOURCE_DIR [TARGET...]; with targets or FUZZ_SECONDS it runs without --long"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import seeds

PROGRAM, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
HERE, BUILD = SOURCE / "tests" / "fuzz", SOURCE / "build" / "fuzz"
TARGETS = sorted(file.stem for file in HERE.glob("*.cpp"))
SECONDS = int(os.environ.get("FUZZ_SECONDS", "600"))
# A slide of that size still holds tissue; what is longer only slows mutation.
MOST_BYTES = {"tiff": 32768, "dicom": 32768}
# OpenSlide asks malloc for whatever a tag states and lives with a no; a `new` of our own that gets one ends the run.
ENVIRONMENT = {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "LSAN_OPTIONS": f"suppressions={HERE / 'leaks.txt'}:print_suppressions=0",
               "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1:max_allocation_size_mb=1024"}


def build():
    """Whether there is a compiler to build with."""
    if shutil.which("clang++") is None:
        return False
    for words in (["cmake", "--preset", "fuzz"], ["cmake", "--build", "--preset", "fuzz"]):
        done = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return True


def fuzz(target):
    """Counts of a target's run, and the inputs that broke it."""
    corpus, found = BUILD / "corpus" / target, BUILD / "found" / target
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for old in found.iterdir():
        old.unlink()
    words = [BUILD / "tests" / "fuzz" / f"fuzz_{target}", f"-max_total_time={SECONDS}", "-timeout=25", "-rss_limit_mb=2048", f"-max_len={MOST_BYTES.get(target, 8192)}",
             "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={found}/", corpus, BUILD / "seeds" / target]
    words_file = BUILD / "seeds" / f"{target}.dict"
    if words_file.exists():
        words.append(f"-dict={words_file}")
    log = BUILD / f"{target}.log"
    with log.open("w") as out:
        code = subprocess.run(words, cwd=BUILD, env=ENVIRONMENT, stdout=out, stderr=subprocess.STDOUT, timeout=SECONDS + 300).returncode
    text = log.read_text(errors="replace")
    executions = (re.findall(r"stat::number_of_executed_units:\s*(\d+)", text) or ["0"])[-1]
    covered = (re.findall(r" cov: (\d+)", text) or ["0"])[-1]
    memory = (re.findall(r"stat::peak_rss_mb:\s*(\d+)", text) or ["0"])[-1]
    print(f"{target}: {executions} executions, {covered} branches, {memory} MB, exit {code}", flush=True)
    for file in sorted(found.iterdir()):
        print(f"  broken by {file}: {BUILD}/tests/fuzz/fuzz_{target} {file}", flush=True)
    if code != 0:
        print("  " + "\n  ".join(text.splitlines()[-60:]), flush=True)
    # An empty corpus or a target that refuses everything would pass unseen.
    return code == 0 and int(executions) > 0 and int(covered) > 0


chosen = sys.argv[3:] or TARGETS
if os.environ.get("HEPAR_LONG", "0") != "1" and not sys.argv[3:] and "FUZZ_SECONDS" not in os.environ:
    print("skipped: tools/check --long runs the fuzz targets")
    sys.exit(77)
if not build():
    if os.environ.get("HEPAR_LONG", "0") == "1":
        sys.exit("clang++ is not there: tools/bootstrap --fuzz")
    print("skipped: no clang++ (tools/bootstrap --fuzz)")
    sys.exit(77)
shutil.rmtree(BUILD / "seeds", ignore_errors=True)
seeds.gather(PROGRAM, BUILD / "tests" / "fuzz" / "fuzz_seeds", SOURCE, BUILD / "seeds")
sound = [fuzz(target) for target in chosen]
sys.exit(0 if all(sound) else 1)
